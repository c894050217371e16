-- The ids of the last fifth of all products.
SELECT id FROM products
WHERE id >= (SELECT id FROM products ORDER BY id OFFSET (SELECT count(*) * 4 / 5 FROM products) LIMIT 1) ORDER BY id
