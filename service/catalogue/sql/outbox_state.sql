-- outbox_state: the pending invalidations, how many there ever were, the epoch of the catalogue, and how much of the log
-- standbys can have.
-- $1 most rows to count; one row (rows, seconds since the oldest was recorded, rows ever, epoch, bytes of the log).
SELECT
    (SELECT count(*) FROM (SELECT FROM catalogue_outbox LIMIT $1::int) AS pending),
    coalesce(extract(epoch FROM clock_timestamp() - (SELECT recorded_at FROM catalogue_outbox ORDER BY id LIMIT 1)), 0)::float8,
    coalesce(pg_sequence_last_value(pg_get_serial_sequence('catalogue_outbox', 'id')::regclass), 0),
    (SELECT epoch FROM current_epoch),
    (pg_current_wal_flush_lsn() - '0/0')::bigint
