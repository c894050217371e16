-- A catalogue large enough that the planner's choices are those of a real one.
INSERT INTO products (id, name, slogan, description, category, default_price)
SELECT n, 'Product ' || n, 'Slogan', repeat('words ', 20), 'Category', n % 500 FROM generate_series(1, 3000) n;
-- Far apart, so that there are many blocks of them.
INSERT INTO products (id, name, slogan, description, category, default_price)
SELECT 5000000 + n * 7001, 'Product', '', '', '', 1 FROM generate_series(1, 2000) n;
INSERT INTO features SELECT n, 1 + n % 3000, 'Feature', 'Value' FROM generate_series(1, 6600) n;
INSERT INTO styles SELECT n, 1 + n % 3000, 'Style', 10, NULL, true FROM generate_series(1, 6000) n;
INSERT INTO photos SELECT n, 1 + n % 6000, repeat('u', 120), repeat('t', 120) FROM generate_series(1, 17400) n;
INSERT INTO skus SELECT n, 1 + n % 6000, 'M', 5 FROM generate_series(1, 34800) n;
INSERT INTO related_products SELECT n, 1 + n % 3000, 1 + n % 2999 FROM generate_series(1, 13500) n;
INSERT INTO carts SELECT gen_random_uuid() FROM generate_series(1, 500);
INSERT INTO cart_lines SELECT id, n, 1 FROM carts, generate_series(1, 20) n;
INSERT INTO cart_keys SELECT id, n, 3, 1, 'added' FROM carts, generate_series(1, 20) n;
INSERT INTO catalogue_outbox (product_ids, versions, epoch) SELECT ARRAY[n], ARRAY[n], 1 FROM generate_series(1, 3000) n;
ANALYZE;
