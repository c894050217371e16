"""One connection to Postgres. It waits until one absolute deadline; its queries end with it."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

import psycopg2.extensions
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE

from service.postgres.statement import Call, text_of

_EVENTS = {POLL_READ: select.POLLIN, POLL_WRITE: select.POLLOUT}

LOST = (psycopg2.OperationalError, psycopg2.InterfaceError, OSError)
"""What is raised where the server cannot be reached, has gone, or is late."""

# A query is planned once a connection: its plan must not depend on which ids are asked for, and compiling one that
# runs for a fraction of a millisecond costs a hundred times that. A server that runs a query looks ten times a second
# whether the one who asked is still there (Postgres 14 and later), and ends it if not.
_CHECK_SECONDS = 0.1
SESSION_OPTIONS = (
    "-c plan_cache_mode=force_generic_plan -c jit=off -c random_page_cost=1.1"
    f" -c client_connection_check_interval={int(_CHECK_SECONDS * 1000)}"
)


class Connection(psycopg2.extensions.connection):
    """A connection with what is made once for it: statements, a cursor, and what waits for something to read.

    ``until`` is an instant of ``time.monotonic``. Every method that takes one raises one of ``LOST``.
    """

    _prepared: set[str]
    _only_cursor: psycopg2.extensions.cursor
    _arrivals: select.poll | None = None  # while it connects, its socket may change

    @classmethod
    def connect(cls, until: float, **parameters: Any) -> Connection:
        """A connection as libpq's ``parameters`` say, made in time."""
        connection: Connection = psycopg2.connect(connection_factory=cls, async_=True, **parameters)
        try:
            connection.wait(until)
        except BaseException:
            connection.close()
            raise
        connection._prepared = set()
        connection._only_cursor = connection.cursor()
        connection._arrivals = connection._poller(POLL_READ)
        return connection

    def run(self, calls: Sequence[Call], until: float) -> list[tuple[Any, ...]]:
        """Make the calls in one transaction and one round trip; return the rows of the last."""
        for statement, _ in calls:
            if statement.name not in self._prepared:
                self.execute(f"PREPARE {statement.name} AS {statement.sql}", (), until)
                self._prepared.add(statement.name)
        return self.execute(*text_of(calls), until)

    def execute(self, text: str, values: Sequence[Any], until: float) -> list[tuple[Any, ...]]:
        """Run a text and return its rows."""
        (cursor := self._only_cursor).execute(text, values or None)
        self.wait(until)
        return cursor.fetchall() if cursor.description else []

    def wait(self, until: float) -> None:
        """Wait for the end of what was begun."""
        while (state := self.poll()) != POLL_OK:
            if not self._poller(state).poll(max(0.0, until - time.monotonic()) * 1000):
                raise TimeoutError

    def has_arrivals(self, seconds: float = 0.0) -> bool:
        """Whether there is something to read now, or within so many ``seconds``."""
        return bool(self._poller(POLL_READ).poll(seconds * 1000))

    def hang_up(self) -> None:
        """Say that nothing more is wanted. The server ends what it runs here, and then the connection."""
        with socket.socket(fileno=os.dup(self.fileno())) as same:
            same.shutdown(socket.SHUT_WR)

    def wait_for_end(self, until: float) -> bool:
        """Whether the server has ended it too by then, after ``hang_up``."""
        poller = select.poll()
        poller.register(self.fileno(), 0)  # the end is reported unasked, what it still says is not
        return bool(poller.poll(max(0.0, until - time.monotonic()) * 1000))

    def _poller(self, state: int) -> select.poll:
        if self._arrivals and state == POLL_READ:
            return self._arrivals
        poller = select.poll()
        poller.register(self.fileno(), _EVENTS[state])
        return poller
