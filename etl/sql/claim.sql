-- One load at a time, held until its session ends. The server may need a moment to notice that a load was killed, so a
-- second one waits for that moment and no longer.
SET LOCAL lock_timeout = '2s';
SELECT pg_advisory_lock(hashtext('catalogue load'));
