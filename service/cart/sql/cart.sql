-- cart: what is in a cart, as GET /cart shows it; an empty array for a cart that does not exist.
-- $1 cart id; one row (body).
SELECT format('[%s]', string_agg(format('{"sku_id":%s,"count":%s}', sku_id, count), ',' ORDER BY sku_id)) AS body
FROM cart_lines WHERE cart_id = $1::uuid
