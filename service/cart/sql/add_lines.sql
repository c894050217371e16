-- add_lines: adds to lines of carts that lock_carts has locked.
-- $1 cart ids, $2 sku ids, $3 counts, pairwise; $4 most lines a cart can hold.
-- Rows (outcome), one for each addition in their order: added, unknown-sku, too-many-lines or too-many-items.
-- The result is the same as of one by one: the first additions get the lines that are left.
WITH asked AS (
    SELECT ordinal, cart_id::uuid AS cart_id, sku_id, count
    FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS a (cart_id, sku_id, count, ordinal)
), seen AS (
    SELECT asked.*, line.count AS held, EXISTS (SELECT FROM skus WHERE skus.id = asked.sku_id) AS known,
        min(ordinal) OVER (PARTITION BY asked.cart_id, asked.sku_id) AS first
    FROM asked LEFT JOIN cart_lines line ON line.cart_id = asked.cart_id AND line.sku_id = asked.sku_id
), judged AS (
    SELECT *, CASE
        WHEN NOT known THEN 'unknown-sku'
        WHEN held IS NULL AND (SELECT count(*) FROM cart_lines line WHERE line.cart_id = seen.cart_id)
            + dense_rank() OVER (PARTITION BY cart_id, known AND held IS NULL ORDER BY first) > $4::int THEN 'too-many-lines'
        WHEN coalesce(held, 0) + sum(count::bigint) OVER (PARTITION BY cart_id, sku_id ORDER BY ordinal) > 2147483647
            THEN 'too-many-items'
        ELSE 'added'
    END AS outcome
    FROM seen
), stored AS (
    INSERT INTO cart_lines (cart_id, sku_id, count)
    SELECT cart_id, sku_id, sum(count) FROM judged WHERE outcome = 'added' GROUP BY cart_id, sku_id
    ON CONFLICT (cart_id, sku_id) DO UPDATE SET count = cart_lines.count + excluded.count
)
SELECT outcome FROM judged ORDER BY ordinal
