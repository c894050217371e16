-- The peers' queries, one round trip each. A part begins with "-- name: "; $1 is the product's id, body is what is sent.

-- name: product
SELECT json_build_object(
    'id', p.id, 'name', p.name, 'slogan', p.slogan, 'description', p.description, 'category', p.category,
    'default_price', p.default_price::text,
    'features', coalesce(
        (SELECT json_agg(json_build_object('feature', f.feature, 'value', f.value) ORDER BY f.id)
         FROM features f WHERE f.product_id = p.id), '[]')
)::text AS body
FROM products p WHERE p.id = $1

-- name: styles
SELECT json_build_object('product_id', p.id::text, 'results', coalesce(
    (SELECT json_agg(json_build_object(
        'style_id', s.id, 'name', s.name, 'original_price', s.original_price::text,
        'sale_price', nullif(s.sale_price, 0)::text, 'default?', s.default_style,
        'photos', coalesce(
            (SELECT json_agg(json_build_object('thumbnail_url', ph.thumbnail_url, 'url', ph.url) ORDER BY ph.id)
             FROM photos ph WHERE ph.style_id = s.id),
            '[{"thumbnail_url":null,"url":null}]'),
        'skus', coalesce(
            (SELECT json_object_agg(k.id, json_build_object('quantity', k.quantity, 'size', k.size) ORDER BY k.id)
             FROM skus k WHERE k.style_id = s.id),
            '{"null":{"quantity":null,"size":null}}')
     ) ORDER BY s.id) FROM styles s WHERE s.product_id = p.id), '[]')
)::text AS body
FROM products p WHERE p.id = $1

-- name: related
SELECT coalesce(
    (SELECT json_agg(r.related_product_id ORDER BY r.id) FROM related_products r WHERE r.product_id = p.id), '[]'
)::text AS body
FROM products p WHERE p.id = $1

-- name: add
-- $1 session, any text; $2 sku; $3 count. Neither a cart nor the sku is looked at.
INSERT INTO bench_additions (session, sku_id, count) VALUES ($1, $2, $3) RETURNING count
