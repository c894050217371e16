-- minutes_store: stores minutes, each over that of a day before.
-- $1 minutes, $2 counts by series as JSON.
INSERT INTO watch_minutes (slot, minute, counts)
SELECT minute % 1440, minute, counts::jsonb FROM unnest($1::bigint[], $2::text[]) AS new (minute, counts)
ON CONFLICT (slot) DO UPDATE SET minute = excluded.minute, counts = excluded.counts
WHERE watch_minutes.minute <= excluded.minute
