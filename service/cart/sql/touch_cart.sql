-- touch_cart: locks a cart, if it exists, until the transaction ends, and writes its time of last use.
-- $1 cart id.
UPDATE carts SET touched_at = now() WHERE id = $1::uuid
