-- One load at a time; held until the session ends. The server may need a moment to notice that a load was killed, so a
-- second one waits that long.
SET LOCAL lock_timeout = '2s';
SELECT pg_advisory_lock(hashtext('catalogue load'));
