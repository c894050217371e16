-- summary: a product as the pages of others show it: prices and picture are those of its default style, or of its first.
-- $1 ids; rows (id, version, body) of those that exist, and a row (0, epoch, null).
SELECT 0 AS id, epoch AS version, NULL AS body FROM current_epoch
UNION ALL
SELECT p.id, p.version,
    concat('{"id":', p.id, ',"name":', to_json(p.name), ',"category":', to_json(p.category),
        ',"default_price":"', p.default_price, '","features":[',
        array_to_string(ARRAY(
            SELECT concat('{"feature":', to_json(f.feature), ',"value":', coalesce(to_json(f.value), 'null'), '}')
            FROM features f WHERE f.product_id = p.id ORDER BY f.id), ','),
        '],"original_price":', coalesce('"' || s.original_price || '"', 'null'),
        ',"sale_price":', coalesce('"' || nullif(s.sale_price, 0) || '"', 'null'),
        ',"thumbnail_url":', coalesce(to_json((
            SELECT ph.thumbnail_url FROM photos ph WHERE ph.style_id = s.id ORDER BY ph.id LIMIT 1)), 'null'),
        '}')
FROM products p
LEFT JOIN LATERAL (
    SELECT id, original_price, sale_price FROM styles WHERE product_id = p.id ORDER BY default_style DESC, id LIMIT 1
) AS s ON true
WHERE p.id = ANY ($1::int[])
