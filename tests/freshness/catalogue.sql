-- catalogue: products with two styles of two skus each; ids of styles and skus follow from the product's.
-- first id, last id.
WITH made AS (
    INSERT INTO products SELECT n, 'Product ' || n, '', '', 'Things', 0 FROM generate_series(%(first)s, %(last)s) AS n
    RETURNING id
), dressed AS (
    INSERT INTO styles SELECT id * 10 + s, id, 'Style', 0, NULL, s = 0 FROM made, generate_series(0, 1) AS s
    RETURNING id
)
INSERT INTO skus SELECT id * 2 + k, id, 'M', 0 FROM dressed, generate_series(0, 1) AS k
