"""Who waits for whom in Postgres."""

from typing import Any


def is_waiting(cursor: Any, statement: str) -> bool:
    """Whether a session that runs a prepared statement of this name waits for a lock."""
    cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees what it saw first
    cursor.execute(
        "SELECT FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s",
        (f"%EXECUTE {statement}%",),
    )
    return bool(cursor.rowcount)
