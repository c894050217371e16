-- touch_cart: writes a cart's time of last use, once an hour at most.
-- $1 cart id.
UPDATE carts SET touched_at = now() WHERE id = $1::uuid AND touched_at < now() - interval '1 hour'
