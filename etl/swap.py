"""Swaps the shadow tables in, in one short transaction."""

from __future__ import annotations

import time

import psycopg2.errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from etl.errors import LoadError
from etl.structure import Part, live_structure, sql

ATTEMPTS = 100
#: Between two attempts, for readers that waited behind the first.
PAUSE_SECONDS = 0.5


def swap(connection: Connection, built: list[Part], report_json: str) -> int:
    """Replace the live tables by those in schema ``loading``, and raise the epoch; return the new epoch.

    Old rows are not visible with the new epoch. New rows with the old epoch are, to a prepared statement that waits for
    the swap with its snapshot taken; that is harmless, since entries of that epoch are not served any more.

    ``built`` is the structure of the new tables. Raises LoadError, and changes nothing, if that of the live ones has
    changed or the live tables do not become free.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(sql("quiet"))
        if live_structure(cursor) != built:
            raise LoadError("the tables were changed while this was loading: load again")
        _stop_readers(cursor)
        cursor.execute(sql("swap"), (report_json,))
        [(epoch,)] = cursor.fetchall()
        return int(epoch)


def _stop_readers(cursor: Cursor) -> None:
    for _ in range(ATTEMPTS):
        try:
            return cursor.execute(sql("stop_readers"))
        except psycopg2.errors.LockNotAvailable:
            cursor.execute(sql("release_readers"))
            time.sleep(PAUSE_SECONDS)
    raise LoadError("some transaction keeps the tables in use, so that they cannot be replaced: end it and load again")
