-- events_load: the stored events, oldest first.
-- Rows (number, at, kind, text, source).
SELECT number, at, kind, text, source FROM watch_events ORDER BY number
