-- remember_refusals: stores the outcome of refused additions with their idempotency keys, unless a key has one already
-- that is not older than 24 hours.
-- $1 cart ids, $2 keys, $3 sku ids, $4 counts, $5 outcomes, pairwise.
INSERT INTO cart_keys (cart_id, key, sku_id, count, outcome)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::text[])
ON CONFLICT (cart_id, key) DO UPDATE
    SET (sku_id, count, outcome, added_at) = (excluded.sku_id, excluded.count, excluded.outcome, excluded.added_at)
    WHERE cart_keys.added_at < now() - interval '24 hours'
