-- priced_cart: a cart's lines with current names, prices and stock. A line whose sku has left the catalogue is gone: it
-- has no price, is not in stock and adds nothing to the total.
-- $1 cart id; one row (body).
WITH priced AS (
    SELECT line.sku_id, line.count, p.id AS product_id, p.name AS product_name, s.id AS style_id, s.name AS style_name,
        k.size, now_at.unit_price, line.count::bigint * now_at.unit_price AS line_total,
        (SELECT ph.thumbnail_url FROM photos ph WHERE ph.style_id = s.id ORDER BY ph.id LIMIT 1) AS thumbnail_url,
        coalesce(k.quantity >= line.count, false) AS in_stock, k.quantity AS available, s.original_price,
        coalesce(s.sale_price, 0) <> 0 AS on_sale, k.id IS NULL AS gone
    FROM cart_lines line
    LEFT JOIN skus k ON k.id = line.sku_id
    LEFT JOIN styles s ON s.id = k.style_id
    LEFT JOIN products p ON p.id = s.product_id
    CROSS JOIN LATERAL (SELECT coalesce(nullif(s.sale_price, 0), s.original_price) AS unit_price) AS now_at
    WHERE line.cart_id = $1::uuid
)
SELECT format('{"lines":[%s],"total":"%s"}',
    string_agg(
        format('{"sku_id":%s,"count":%s,"product_id":%s,"product_name":%s,"style_id":%s,"style_name":%s,"size":%s,'
            '"unit_price":%s,"line_total":%s,"thumbnail_url":%s,"in_stock":%s,"available":%s,"original_price":%s,'
            '"on_sale":%s,"gone":%s}',
            sku_id, count, coalesce(product_id::text, 'null'), coalesce(to_json(product_name), 'null'),
            coalesce(style_id::text, 'null'), coalesce(to_json(style_name), 'null'), coalesce(to_json(size), 'null'),
            coalesce('"' || unit_price || '"', 'null'), coalesce('"' || line_total || '"', 'null'),
            coalesce(to_json(thumbnail_url), 'null'), to_json(in_stock), coalesce(available::text, 'null'),
            coalesce('"' || original_price || '"', 'null'), to_json(on_sale), to_json(gone)),
        ',' ORDER BY sku_id),
    coalesce(sum(line_total), 0)) AS body
FROM priced
