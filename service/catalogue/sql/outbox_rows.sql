-- outbox_rows: pending invalidations, oldest first. Their epoch is the newest in this snapshot: a writer that began
-- before it was raised has written an older one. How far the log is written is read after the snapshot was taken: what
-- is seen here was committed before.
-- $1 most rows, $2 number that their ids are above; rows (id, product_ids, versions, epoch, bytes of the log).
SELECT id, product_ids, versions, greatest(epoch, (SELECT current_epoch.epoch FROM current_epoch)) AS epoch,
    (pg_current_wal_insert_lsn() - '0/0')::bigint
FROM catalogue_outbox WHERE id > $2::bigint ORDER BY id LIMIT $1::int
