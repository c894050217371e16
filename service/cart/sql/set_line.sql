-- set_line: sets the count of one line of a cart that lock_carts has locked.
-- $1 cart id, $2 sku id, $3 count above 0, $4 most lines of a cart, $5 most items of a sku.
-- One row (outcome): set, unknown-sku, too-many-lines or too-many-items.
WITH judged AS (
    SELECT CASE
        WHEN NOT EXISTS (SELECT FROM skus WHERE id = $2::int) THEN 'unknown-sku'
        WHEN NOT EXISTS (SELECT FROM carts WHERE id = $1::uuid) THEN 'unknown-sku' -- when lock_carts looked
        WHEN NOT EXISTS (SELECT FROM cart_lines WHERE cart_id = $1::uuid AND sku_id = $2::int)
            AND (SELECT count(*) FROM cart_lines WHERE cart_id = $1::uuid) >= $4::int THEN 'too-many-lines'
        WHEN $3::int > $5::int THEN 'too-many-items'
        ELSE 'set'
    END AS outcome
), stored AS (
    INSERT INTO cart_lines (cart_id, sku_id, count)
    SELECT $1::uuid, $2::int, $3::int FROM judged WHERE outcome = 'set'
    ON CONFLICT (cart_id, sku_id) DO UPDATE SET count = excluded.count
)
SELECT outcome FROM judged
