"""Puts the new catalogue in the place of the old one, in one short transaction."""

from __future__ import annotations

import time

import psycopg2.errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from etl.errors import LoadError
from etl.structure import Part, live_structure, sql

ATTEMPTS = 100
#: Between two attempts; readers that waited behind the first get their answers in it.
PAUSE_SECONDS = 0.5


def swap(connection: Connection, built: list[Part], report_json: str) -> int:
    """Replace the live tables by those of schema ``loading``, and raise the epoch; return the new epoch.

    Nobody sees old rows with the new epoch. New rows with the old epoch are seen by a prepared statement that waits for
    the swap with its snapshot taken, which is harmless: what is cached under that epoch is not served any more.

    ``built`` is the structure that the new tables were given. Raises LoadError, and changes nothing, if the live one is
    another by now or the live tables are never free.
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
