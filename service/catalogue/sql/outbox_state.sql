-- outbox_state: the pending invalidations, how many there ever were, and the epoch of the catalogue.
-- $1 most rows to count; one row (rows, seconds since the oldest was recorded, rows ever, epoch).
SELECT
    (SELECT count(*) FROM (SELECT FROM catalogue_outbox LIMIT $1::int) AS pending),
    coalesce(extract(epoch FROM clock_timestamp() - (SELECT recorded_at FROM catalogue_outbox ORDER BY id LIMIT 1)), 0)::float8,
    coalesce(pg_sequence_last_value(pg_get_serial_sequence('catalogue_outbox', 'id')::regclass), 0),
    (SELECT epoch FROM current_epoch)
