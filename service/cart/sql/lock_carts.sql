-- lock_carts: creates the carts that do not exist yet and locks all of them until the transaction ends, so that what it
-- reads of them next stays true. Only for skus that exist: a refused addition leaves no empty cart behind. A cart's
-- time of last use is written once an hour at most: each time is a new version of its row.
-- $1 cart ids, $2 sku ids, pairwise.
INSERT INTO carts (id)
SELECT DISTINCT asked.cart_id
FROM unnest($1::uuid[], $2::int[]) WITH ORDINALITY AS asked (cart_id, sku_id, ordinal)
WHERE EXISTS (SELECT FROM skus WHERE skus.id = asked.sku_id)
    AND ordinal <> ALL (coalesce(nullif(current_setting('overview.under_way', true), ''), '{}')::bigint[])
ORDER BY 1
ON CONFLICT (id) DO UPDATE SET touched_at = now() WHERE carts.touched_at < now() - interval '1 hour'
