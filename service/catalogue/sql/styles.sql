-- styles: a product's styles with their photos and skus. Front ends rely on the placeholders of a style without any.
-- $1 ids; rows (id, version, body) of those that exist, and a row (0, epoch, null).
SELECT 0 AS id, epoch AS version, NULL AS body FROM current_epoch
UNION ALL
SELECT p.id, p.version,
    concat('{"product_id":"', p.id, '","results":[',
        array_to_string(ARRAY(
            SELECT concat('{"style_id":', s.id, ',"name":', to_json(s.name), ',"original_price":"', s.original_price,
                '","sale_price":', coalesce('"' || nullif(s.sale_price, 0) || '"', 'null'),
                ',"default?":', to_json(s.default_style),
                ',"photos":[', coalesce(nullif(array_to_string(ARRAY(
                    SELECT concat('{"thumbnail_url":', to_json(ph.thumbnail_url), ',"url":', to_json(ph.url), '}')
                    FROM photos ph WHERE ph.style_id = s.id ORDER BY ph.id), ','), ''),
                    '{"thumbnail_url":null,"url":null}'),
                '],"skus":{', coalesce(nullif(array_to_string(ARRAY(
                    SELECT concat('"', k.id, '":{"quantity":', k.quantity, ',"size":', to_json(k.size), '}')
                    FROM skus k WHERE k.style_id = s.id ORDER BY k.id), ','), ''),
                    '"null":{"quantity":null,"size":null}'),
                '}}')
            FROM styles s WHERE s.product_id = p.id ORDER BY s.id), ','),
        ']}')
FROM products p WHERE p.id = ANY ($1::int[])
