-- clear_cart: deletes a cart that lock_cart has locked, and its lines.
-- $1 cart id.
WITH emptied AS (DELETE FROM cart_lines WHERE cart_id = $1::uuid)
DELETE FROM carts WHERE id = $1::uuid
