-- remove_line: removes one sku from a cart.
-- $1 cart id, $2 sku id.
DELETE FROM cart_lines WHERE cart_id = $1::uuid AND sku_id = $2::int
