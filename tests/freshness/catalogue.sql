-- catalogue: products with two styles of two skus each, related to the next one; ids of the others follow from the product's.
-- first id, last id.
WITH made AS (
    INSERT INTO products SELECT n, 'Product ' || n, '', '', 'Things', 0 FROM generate_series(%(first)s, %(last)s) AS n
    RETURNING id
), dressed AS (
    INSERT INTO styles SELECT id * 10 + s, id, 'Style', 0, NULL, s = 0 FROM made, generate_series(0, 1) AS s
    RETURNING id
), linked AS (
    INSERT INTO related_products SELECT id, id, least(id + 1, %(last)s) FROM made
)
INSERT INTO skus SELECT id * 2 + k, id, 'M', 0 FROM dressed, generate_series(0, 1) AS k
