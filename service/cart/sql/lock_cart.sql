-- lock_cart: locks a cart, if it exists, until the transaction ends.
-- $1 cart id.
SELECT FROM carts WHERE id = $1::uuid FOR UPDATE
