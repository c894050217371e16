-- events_store: stores events, each over the one of a thousand before.
-- $1 numbers, $2 seconds, $3 kinds, $4 texts, $5 sources.
INSERT INTO watch_events (slot, number, at, kind, text, source)
SELECT number % 1000, number, at, kind, text, source
FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[]) AS new (number, at, kind, text, source)
ON CONFLICT (slot) DO UPDATE
SET number = excluded.number, at = excluded.at, kind = excluded.kind, text = excluded.text, source = excluded.source
WHERE watch_events.number <= excluded.number
