-- merge_carts: moves the lines of one cart to another and deletes the one, both of which lock_both has locked.
-- $1 cart that gets them, $2 cart that is deleted, $3 most lines of a cart, $4 most items of a sku.
-- One row (outcome): merged, or too-many-lines.
WITH moved AS MATERIALIZED (
    SELECT sku_id, least(count, $4::int) AS count,
        EXISTS (SELECT FROM cart_lines own WHERE (own.cart_id, own.sku_id) = ($1::uuid, line.sku_id)) AS held
    FROM cart_lines line WHERE cart_id = $2::uuid
), judged AS MATERIALIZED (
    SELECT CASE
        WHEN count(*) FILTER (WHERE NOT held) > 0
            AND count(*) FILTER (WHERE NOT held) + (SELECT count(*) FROM cart_lines WHERE cart_id = $1::uuid) > $3::int
            THEN 'too-many-lines'
        ELSE 'merged'
    END AS outcome
    FROM moved
), stored AS (
    INSERT INTO cart_lines (cart_id, sku_id, count)
    SELECT $1::uuid, sku_id, count FROM moved, judged WHERE outcome = 'merged'
    ON CONFLICT (cart_id, sku_id)
        DO UPDATE SET count = least(cart_lines.count::bigint + excluded.count, $4::int)
), emptied AS (
    DELETE FROM cart_lines WHERE cart_id = $2::uuid AND (SELECT outcome FROM judged) = 'merged'
), deleted AS (
    DELETE FROM carts WHERE id = $2::uuid AND (SELECT outcome FROM judged) = 'merged'
)
SELECT outcome FROM judged
