-- replayed: fails with a division by zero unless this is a standby that has replayed the log up to a position in an
-- epoch. An error also ends the statements that follow in the same message; else their snapshots are at that position
-- at least, as each takes its own after this one was run.
-- $1 the epoch, $2 bytes of the log.
SELECT 1 / coalesce(pg_is_in_recovery() AND pg_last_wal_replay_lsn() - '0/0' >= $2::bigint
    AND (SELECT epoch FROM current_epoch) = $1::bigint, false)::int
