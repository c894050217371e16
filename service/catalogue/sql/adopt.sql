-- adopt: makes every cached entry a miss if the database is not the one that it was read from.
-- $1 the highest epoch known to the caller, $2 the highest version; one row (epoch, bytes of the log as of then).
SELECT epoch, (pg_current_wal_insert_lsn() - '0/0')::bigint FROM catalogue_adopt($1::bigint, $2::bigint) AS epoch
