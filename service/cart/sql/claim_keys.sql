-- claim_keys: claims idempotency keys until the transaction ends, without waiting. Those that another transaction has
-- claimed are under way there: the setting overview.under_way has their places, for the statements that follow.
-- $1 cart ids, $2 keys or null, pairwise.
SELECT set_config('overview.under_way', coalesce(array_agg(ordinal) FILTER (WHERE NOT claimed), '{}')::text, true)
FROM (
    SELECT ordinal, pg_try_advisory_xact_lock(hashtextextended(cart_id || key, 0)) AS claimed
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (cart_id, key, ordinal)
    WHERE key IS NOT NULL
) AS asked
