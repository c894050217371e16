-- outbox_lag: for how long the oldest change has waited that the cache has not been told of.
-- One row (seconds), 0 if there is none.
SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT recorded_at FROM catalogue_outbox ORDER BY id LIMIT 1)), 0)::float8
