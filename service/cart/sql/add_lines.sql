-- add_lines: adds to lines of carts that lock_carts has locked.
-- $1 cart ids, $2 sku ids, $3 counts, $4 idempotency keys or null, pairwise; $5 most lines of a cart, $6 most items of
-- a sku.
-- Rows (outcome, replayed), one for each addition in their order: added, unknown-sku, too-many-lines, too-many-items,
-- key-under-way for a key that another transaction has claimed, or key-reused for one that came with another body.
-- A key of more than 24 hours ago is as one that never came, swept or not.
-- A refusal counts against the additions after it: those of the same cart that are refused may be tried again.
WITH given AS MATERIALIZED (
    SELECT *, (
        SELECT kept FROM cart_keys kept
        WHERE kept.cart_id = a.cart_id AND kept.key = a.key AND kept.added_at >= now() - interval '24 hours'
    ) AS kept
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[]) WITH ORDINALITY AS a (cart_id, sku_id, count, key, ordinal)
), asked AS (
    SELECT *, CASE
        WHEN key IS NULL THEN NULL
        WHEN ordinal = ANY (coalesce(nullif(current_setting('overview.under_way', true), ''), '{}')::bigint[])
            THEN 'key-under-way'
        WHEN ((kept).sku_id, (kept).count) <> (sku_id, count) THEN 'key-reused'
        ELSE (kept).outcome
    END AS earlier
    FROM given
), seen AS (
    -- A sku that has come since lock_carts looked has left its addition without a cart.
    SELECT *, EXISTS (SELECT FROM skus WHERE skus.id = asked.sku_id)
            AND EXISTS (SELECT FROM carts WHERE carts.id = asked.cart_id) AS known,
        (SELECT line.count FROM cart_lines line WHERE (line.cart_id, line.sku_id) = (asked.cart_id, asked.sku_id)) AS held,
        min(ordinal) OVER (PARTITION BY asked.cart_id, asked.sku_id) AS first
    FROM asked WHERE earlier IS NULL
), judged AS (
    SELECT *, CASE
        WHEN NOT known THEN 'unknown-sku'
        WHEN held IS NULL AND (SELECT count(*) FROM cart_lines line WHERE line.cart_id = seen.cart_id)
            + dense_rank() OVER (PARTITION BY cart_id, known AND held IS NULL ORDER BY first) > $5::int THEN 'too-many-lines'
        WHEN coalesce(held, 0) + sum(count::bigint) OVER (PARTITION BY cart_id, sku_id ORDER BY ordinal) > $6::int
            THEN 'too-many-items'
        ELSE 'added'
    END AS outcome
    FROM seen
), stored AS (
    INSERT INTO cart_lines (cart_id, sku_id, count)
    SELECT cart_id, sku_id, sum(count) FROM judged WHERE outcome = 'added' GROUP BY cart_id, sku_id
    ON CONFLICT (cart_id, sku_id) DO UPDATE SET count = cart_lines.count + excluded.count
), remembered AS (
    INSERT INTO cart_keys (cart_id, key, sku_id, count, outcome)
    SELECT cart_id, key, sku_id, count, outcome FROM judged WHERE key IS NOT NULL AND outcome = 'added'
    ON CONFLICT (cart_id, key) DO UPDATE
        SET (sku_id, count, outcome, added_at) = (excluded.sku_id, excluded.count, excluded.outcome, excluded.added_at)
)
SELECT coalesce(asked.earlier, judged.outcome), coalesce(asked.earlier = (asked.kept).outcome, false)
FROM asked LEFT JOIN judged ON judged.ordinal = asked.ordinal ORDER BY asked.ordinal
