-- outbox_done: forgets changes that the cache has been told of.
-- $1 ids of outbox rows.
DELETE FROM catalogue_outbox WHERE id = ANY ($1::bigint[])
