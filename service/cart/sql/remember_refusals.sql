-- remember_refusals: stores the outcome of refused additions with their idempotency keys.
-- $1 cart ids, $2 keys, $3 sku ids, $4 counts, $5 outcomes, pairwise.
INSERT INTO cart_keys (cart_id, key, sku_id, count, outcome)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::text[])
ON CONFLICT DO NOTHING
