-- minutes_load: the stored minutes.
-- $1 the minute before the first; rows (minute, counts by series as JSON), oldest first.
SELECT minute, counts::text FROM watch_minutes WHERE minute > $1::bigint ORDER BY minute
