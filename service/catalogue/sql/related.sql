-- related: the ids of a product's related products, as in the files: duplicates and itself included.
-- $1 ids; rows (id, version, body) of those that exist, and a row (0, epoch, null).
SELECT 0 AS id, epoch AS version, NULL AS body FROM current_epoch
UNION ALL
SELECT p.id, p.version,
    concat('[',
        array_to_string(ARRAY(
            SELECT r.related_product_id FROM related_products r WHERE r.product_id = p.id ORDER BY r.id), ','),
        ']')
FROM products p WHERE p.id = ANY ($1::int[])
