-- sweep_keys: deletes idempotency keys that are older than 24 hours.
-- $1 most keys; one row (how many).
WITH expired AS MATERIALIZED (
    SELECT ctid FROM cart_keys WHERE added_at < now() - interval '24 hours' LIMIT $1::int FOR UPDATE SKIP LOCKED
), swept AS (
    DELETE FROM cart_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM expired)) RETURNING key
)
SELECT count(*) FROM swept
