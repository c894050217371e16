-- outbox_lag: age of the oldest pending invalidation.
-- One row (seconds), 0 if there is none.
SELECT coalesce(extract(epoch FROM clock_timestamp() - (SELECT recorded_at FROM catalogue_outbox ORDER BY id LIMIT 1)), 0)::float8
