-- lock_timeout: how long this transaction waits for each lock.
-- $1 a time as Postgres writes it.
SELECT set_config('lock_timeout', $1::text, true)
