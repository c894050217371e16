-- outbox_done: deletes invalidations that have reached the cache.
-- $1 ids of outbox rows.
DELETE FROM catalogue_outbox WHERE id = ANY ($1::bigint[])
