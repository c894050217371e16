-- adopt: makes everything that is cached a miss if the database is not the one that it was read from.
-- $1 the highest epoch that the caller knows of, $2 the highest version; one row (epoch).
SELECT catalogue_adopt($1::bigint, $2::bigint)
