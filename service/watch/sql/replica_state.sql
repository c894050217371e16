-- replica_state: how far a standby is.
-- One row (bytes of the log that it has replayed, that it has received, seconds since the last commit that it replayed),
-- none if it is no standby.
SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint,
    (greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) - '0/0')::bigint,
    coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8
WHERE pg_is_in_recovery()
