"""Who waits for whom in Postgres, and making them wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2

from deploy.local import probes


def is_waiting(cursor: Any, statement: str) -> bool:
    """Whether a session that runs a prepared statement of this name waits for a lock."""
    cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction sees what it saw first
    cursor.execute(
        "SELECT FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s",
        (f"%EXECUTE {statement}%",),
    )
    return bool(cursor.rowcount)


@contextmanager
def locked(given: dict[str, str], tables: str = "products") -> Iterator[None]:
    """Nobody can read these tables of the DATABASE_URL meanwhile."""
    connection = psycopg2.connect(given["DATABASE_URL"])
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE")
        yield
    connection.rollback()
    connection.close()


def waiting(given: dict[str, str]) -> int:
    """How many sessions wait for a lock there."""
    with probes.query(given["DATABASE_URL"]) as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return cursor.fetchone()[0]
