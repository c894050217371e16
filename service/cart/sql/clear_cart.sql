-- clear_cart: removes all lines of a cart that touch_cart has locked. The cart stays until it is swept: one that was
-- deleted under additions that wait for it could leave lines without a cart.
-- $1 cart id.
DELETE FROM cart_lines WHERE cart_id = $1::uuid
