"""Connections for long-running work, migrations and bulk loads: no pool and no short deadline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import psycopg2.extensions

CONNECT_SECONDS = 10
# A statement may run for long, but a lost server is noticed within half a minute: by the keepalives while waiting for a
# response, by the user timeout while sending.
_NOTICE_LOSS: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_QUOTED = re.compile(r'"[^"]*"')


class DatabaseError(Exception):
    """The database is unreachable, was lost or refused; the message contains no part of its URL."""


@contextmanager
def connected(url: str, **settings: str | int) -> Iterator[psycopg2.extensions.connection]:
    """Connect with the given server settings; a statement outside ``with connection:`` is a transaction of its own.

    Raises DatabaseError when there is no connection, and in place of every driver error raised in the body.
    """
    connection = _connect(url, {"statement_timeout": 0, "client_encoding": "UTF8", **settings})
    try:
        yield connection
    except psycopg2.Error as error:
        raise DatabaseError(reason(error)) from error
    finally:
        connection.close()


def reason(error: psycopg2.Error) -> str:
    """Return the error in one line, from the server or else from the driver."""
    return str(error.diag.message_primary or (str(error).strip() or type(error).__name__).splitlines()[0])


def _connect(url: str, settings: dict[str, str | int]) -> psycopg2.extensions.connection:
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    try:
        connection: psycopg2.extensions.connection = psycopg2.connect(
            url, connect_timeout=CONNECT_SECONDS, options=options, **_NOTICE_LOSS
        )
    except psycopg2.ProgrammingError:
        raise DatabaseError("DATABASE_URL is not a URL that libpq understands") from None
    except psycopg2.OperationalError as error:
        raise DatabaseError(f"no connection to the database at DATABASE_URL: {harmless(str(error))}") from None
    connection.autocommit = True
    return connection


def harmless(message: str) -> str:
    """Reduce libpq's message about a failed connection to the reason.

    From a URL with an unescaped @ or / in its password, libpq takes a part of the password for a host, a port or a
    database, and quotes it.
    """
    first = next(iter(message.strip().splitlines()), "no reason given")
    return _QUOTED.sub("…", first.rpartition(": ")[2]).strip()
