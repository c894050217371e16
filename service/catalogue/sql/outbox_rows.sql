-- outbox_rows: pending invalidations, oldest first. Their epoch is the newest in this snapshot: a writer that began
-- before it was raised has written an older one.
-- $1 most rows, $2 number that their ids are above; rows (id, product_ids, versions, epoch).
SELECT id, product_ids, versions, greatest(epoch, (SELECT current_epoch.epoch FROM current_epoch)) AS epoch
FROM catalogue_outbox WHERE id > $2::bigint ORDER BY id LIMIT $1::int
