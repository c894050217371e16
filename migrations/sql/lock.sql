-- One runner at a time; held until its session ends.
SELECT pg_advisory_lock(hashtext('migrations'));
