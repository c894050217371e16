-- sweep_carts: deletes carts that were not used for a number of days, and their lines. Those that another transaction
-- has locked are in use. The lock is of the newest version of a cart: one that was used meanwhile is kept.
-- $1 days, $2 most carts; one row (how many).
WITH unused AS MATERIALIZED (
    SELECT id FROM carts WHERE touched_at < now() - make_interval(days => $1::int) LIMIT $2::int FOR UPDATE SKIP LOCKED
), emptied AS (
    DELETE FROM cart_lines WHERE cart_id = ANY (ARRAY(SELECT id FROM unused))
), swept AS (
    DELETE FROM carts WHERE id = ANY (ARRAY(SELECT id FROM unused)) RETURNING id
)
SELECT count(*) FROM swept
