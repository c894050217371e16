-- clear_cart: deletes a cart and its lines.
-- $1 cart id.
DELETE FROM carts WHERE id = $1::uuid
