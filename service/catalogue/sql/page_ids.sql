-- page_ids: ids of a page of the whole catalogue. From the block of all ids it descends to one of 256, each time into the
-- first block that ends beyond the offset, and skips the rest id by id: some hundred rows at any size.
-- $1 how many, $2 how many before them; rows (id), ascending.
WITH RECURSIVE descent (bits, block, skip) AS (
    SELECT 33, 0, $2::bigint
    UNION ALL
    SELECT child.bits, child.block, child.skip
    FROM descent CROSS JOIN LATERAL (
        SELECT bits, block, descent.skip - upto + products AS skip
        FROM (
            SELECT bits, block, sum(products)::int AS products, sum(sum(products)::int) OVER (ORDER BY block) AS upto
            FROM product_blocks
            WHERE bits = descent.bits - 5 AND block BETWEEN descent.block << 5 AND (descent.block << 5) + 31
            GROUP BY bits, block
        ) AS counted
        WHERE upto > descent.skip ORDER BY block LIMIT 1
    ) AS child
), start AS (
    SELECT block << 8 AS id, skip FROM descent WHERE bits = 8
)
SELECT id FROM products WHERE id >= (SELECT id FROM start) ORDER BY id LIMIT $1::int OFFSET (SELECT skip FROM start)
