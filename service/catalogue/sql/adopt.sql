-- adopt: makes every cached entry a miss if the database is not the one that it was read from.
-- $1 the highest epoch known to the caller, $2 the highest version; one row (epoch).
SELECT catalogue_adopt($1::bigint, $2::bigint)
