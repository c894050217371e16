"""Postgres: a bounded pool that waits, a deadline on every call, drivers' errors translated. Only here is psycopg2.

Connections are libpq's asynchronous ones, waited for with ``poll``: deadlines hold also where the server hangs.
"""

from __future__ import annotations

import functools
import queue
import re
import select
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2.extensions
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

from service import deadline
from service.errors import PostgresUnavailable

_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}
_LOST = (psycopg2.OperationalError, psycopg2.InterfaceError, TimeoutError)

# A query is planned once a connection: its plan must not depend on which ids are asked for, and compiling one that
# runs for a fraction of a millisecond costs a hundred times that.
SESSION_OPTIONS = "-c plan_cache_mode=force_generic_plan -c jit=off -c random_page_cost=1.1"


class Statement(NamedTuple):
    """A query of a ``.sql`` file with parameters ``$1 …``; prepared once on each connection under its name."""

    name: str
    sql: str

    @classmethod
    def load(cls, path: Path) -> Statement:
        """Read one file; its name without ``.sql`` is the statement's, and so are its parameters' casts."""
        return cls(path.stem, path.read_text("utf-8").strip().rstrip(";"))


class Call(NamedTuple):
    """A statement with the values of its parameters."""

    statement: Statement
    values: Sequence[Any] = ()


class _Connection(psycopg2.extensions.connection):
    """A connection with what is made once for it: statements, a cursor, and what waits for something to read."""

    prepared: set[str]
    only_cursor: psycopg2.extensions.cursor
    arrivals: select.poll | None = None  # while it connects, its socket may change


class Postgres:
    """A pool of at most ``size`` connections to ``url``. A call that finds none free waits for one.

    ``timeout_seconds`` bounds a call as a whole: waiting for a connection, connecting, and running. So does an earlier
    ``deadline`` of what it is for. ``on_connect`` is the first call on each new connection.
    """

    def __init__(
        self, url: str, size: int, timeout_seconds: float, *, name: str = "overview", on_connect: Call | None = None
    ) -> None:
        self._url = url
        self._on_connect = on_connect
        self._timeout_seconds = timeout_seconds
        self._options = f"{SESSION_OPTIONS} -c statement_timeout={int(timeout_seconds * 1000)}"
        self._name = name
        self._free: queue.SimpleQueue[None] = queue.SimpleQueue()  # a tenth of the cost of a semaphore
        for _ in range(size):
            self._free.put(None)
        self._idle: list[_Connection] = []  # most recently used last; list.pop and append are atomic

    def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        """Run the calls in one transaction and one round trip; return the rows of the last.

        Raises PostgresUnavailable when that cannot be done in time. The transaction may then still have been committed
        only if the connection was lost in the very moment of the commit.
        """
        seconds, connection = deadline.left(self._timeout_seconds), None
        until = time.monotonic() + seconds
        if seconds <= 0:
            raise PostgresUnavailable
        try:
            self._free.get(timeout=seconds)
        except queue.Empty:
            raise PostgresUnavailable from None
        try:
            connection = self._idle_connection() or self._new_connection(until)
            rows = _run(connection, calls, until)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, _LOST):
                raise PostgresUnavailable from error
            raise
        else:
            self._idle.append(connection)
            return rows
        finally:
            self._free.put(None)

    def close(self) -> None:
        """Close the idle connections; those in use are closed when they come back and find the pool closed."""
        while self._idle:
            self._idle.pop().close()

    def _new_connection(self, until: float) -> _Connection:
        connection = _connect(self._url, self._name, self._options, until)
        try:
            if self._on_connect is not None:
                _run(connection, [self._on_connect], until)
        except BaseException:
            connection.close()
            raise
        return connection

    def _idle_connection(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            # Nothing is asked, so nothing may be there to read: if there is, the server has closed it or is about to.
            if not _poller(connection, POLL_READ).poll(0):
                return connection
            connection.close()
        return None


class Listener:
    """One connection that waits for NOTIFY on ``channel``; it is made when first needed and again after it was lost."""

    def __init__(self, url: str, channel: str, timeout_seconds: float) -> None:
        self._url = url
        self._channel = channel
        self._timeout_seconds = timeout_seconds
        self._connection: _Connection | None = None

    def wait(self, seconds: float) -> bool:
        """Whether there was a notification within ``seconds``; true at once on a new connection, as one may be missed.

        Raises PostgresUnavailable.
        """
        try:
            if self._connection is None:
                until = time.monotonic() + self._timeout_seconds
                self._connection = _connect(self._url, f"overview {self._channel}", "", until)
                _execute(self._connection, f"LISTEN {self._channel}", (), until)
                return True
            if _poller(self._connection, POLL_READ).poll(seconds * 1000):
                self._connection.poll()
                notified = bool(self._connection.notifies)
                self._connection.notifies.clear()
                return notified
        except _LOST as error:
            self.close()
            raise PostgresUnavailable from error
        return False

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(url: str, name: str, options: str, until: float) -> _Connection:
    connection = psycopg2.connect(url, _Connection, async_=True, application_name=name, options=options)
    try:
        _wait(connection, until)
    except BaseException:
        connection.close()
        raise
    connection.prepared = set()
    connection.only_cursor = connection.cursor()
    connection.arrivals = _poller(connection, POLL_READ)
    return connection


def _run(connection: _Connection, calls: Sequence[Call], until: float) -> list[tuple[Any, ...]]:
    for statement, _ in calls:
        if statement.name not in connection.prepared:
            _execute(connection, f"PREPARE {statement.name} AS {statement.sql}", (), until)
            connection.prepared.add(statement.name)
    text = ";".join([_invocation(statement) for statement, _ in calls])
    return _execute(connection, text, [_adapted(value) for _, values in calls for value in values], until)


@functools.cache
def _invocation(statement: Statement) -> str:
    count = max((int(number) for number in re.findall(r"\$(\d+)", statement.sql)), default=0)
    return f"EXECUTE {statement.name}" + (f"({','.join(['%s'] * count)})" if count else "")


def _adapted(value: Any) -> Any:
    # Numbers travel as one literal: of psycopg2's ARRAY[…], the server would make an expression for each of them.
    if isinstance(value, list) and all(type(element) is int for element in value):
        return f"{{{','.join(map(str, value))}}}"
    return value


def _execute(connection: _Connection, text: str, values: Sequence[Any], until: float) -> list[tuple[Any, ...]]:
    (cursor := connection.only_cursor).execute(text, values or None)
    _wait(connection, until)
    return cursor.fetchall() if cursor.description else []


def _wait(connection: _Connection, until: float) -> None:
    while (state := connection.poll()) != POLL_OK:
        if not _poller(connection, state).poll(max(0.0, until - time.monotonic()) * 1000):
            raise TimeoutError


def _poller(connection: _Connection, state: int) -> select.poll:
    if connection.arrivals and state == POLL_READ:
        return connection.arrivals
    poller = select.poll()
    poller.register(connection.fileno(), _EVENTS[state])
    return poller
