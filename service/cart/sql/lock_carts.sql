-- lock_carts: creates the carts that do not exist yet and locks all of them until the transaction ends, so that what it
-- reads of them next stays true. Only for skus that exist: a refused addition leaves no empty cart behind.
-- $1 cart ids, $2 sku ids, pairwise.
INSERT INTO carts (id)
SELECT DISTINCT asked.cart_id::uuid
FROM unnest($1::text[], $2::int[]) AS asked (cart_id, sku_id)
WHERE EXISTS (SELECT FROM skus WHERE skus.id = asked.sku_id)
ORDER BY 1
ON CONFLICT (id) DO UPDATE SET touched_at = now()
