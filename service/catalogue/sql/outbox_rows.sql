-- outbox_rows: changes that the cache has not been told of, oldest first.
-- $1 most rows; rows (id, product_ids, versions, epoch).
SELECT id, product_ids, versions, epoch FROM catalogue_outbox ORDER BY id LIMIT $1::int
