-- card: a product as lists show it.
-- $1 ids; rows (id, version, body) of those that exist, and a row (0, epoch, null).
SELECT 0 AS id, epoch AS version, NULL AS body FROM current_epoch
UNION ALL
SELECT p.id, p.version,
    concat('{"id":', p.id, ',"name":', to_json(p.name), ',"slogan":', to_json(p.slogan),
        ',"description":', to_json(p.description), ',"category":', to_json(p.category),
        ',"default_price":"', p.default_price, '"}')
FROM products p WHERE p.id = ANY ($1::int[])
