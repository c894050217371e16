"""One connection to Postgres, with an absolute deadline per call; the server ends queries whose client has gone."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg2.extensions
from psycopg2.extensions import BYTES, POLL_OK, POLL_READ, POLL_WRITE, register_type

from service.coroutines import READABLE, WRITABLE, block_on, is_ready, ready
from service.postgres.statement import Call, inlined, text_of

_EVENTS = {POLL_READ: READABLE, POLL_WRITE: WRITABLE}

LOST = (psycopg2.OperationalError, psycopg2.InterfaceError, OSError)
"""Errors of a server that is unreachable, gone or late."""

# A query is planned once per connection: its plan must depend neither on the ids nor on how full the tables are then (a
# table of carts may be empty), and JIT compilation costs a hundred times the run time of a query of a fraction of a
# millisecond. While it runs a query, a server checks ten times a second whether the client is still connected (Postgres
# 14 and later), and ends the query if not.
# Each statement of a transaction has a snapshot of its own, whatever the server's default: what reads rows after it has
# waited for a lock, or has looked how far a replica is, sees them as they are then.
_CHECK_SECONDS = 0.1
SESSION = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "jit": "off",
    "random_page_cost": "1.1",
    "default_transaction_isolation": "read committed",
    "client_connection_check_interval": str(int(_CHECK_SECONDS * 1000)),
}
"""Postgres' settings for each connection of a pool."""


def options(session: Mapping[str, str]) -> str:
    """Settings of a session as libpq's ``options``."""
    return " ".join("-c {}={}".format(name, value.replace(" ", r"\ ")) for name, value in session.items())


class Connection(psycopg2.extensions.connection):
    """A connection with what is made once for it: prepared statements and a cursor. Text comes as UTF-8 bytes.

    Through a pooler each transaction may be on another connection to the server: nothing is prepared, and the settings
    of the session come with each transaction.

    ``until`` is a ``time.monotonic`` deadline; methods that take one raise one of ``LOST``.
    """

    _prepared: set[str]
    _only_cursor: psycopg2.extensions.cursor
    _of_transaction: str

    @classmethod
    def connect(
        cls, until: float, session: Mapping[str, str], *, is_pooled: bool = False, **parameters: Any
    ) -> Connection:
        """A connection with these settings and libpq ``parameters``, made within the deadline; blocking."""
        if not is_pooled:
            parameters["options"] = options(session)
        connection: Connection = psycopg2.connect(connection_factory=cls, async_=True, **parameters)
        try:
            block_on(connection.wait(until))
        except BaseException:
            connection.close()
            raise
        connection._prepared = set()
        connection._only_cursor = connection.cursor()
        settings = "".join([f"SET LOCAL {name} = '{value}';" for name, value in session.items()])
        connection._of_transaction = settings if is_pooled else ""
        register_type(BYTES, connection)
        return connection

    async def run(self, calls: Sequence[Call], until: float) -> list[tuple[Any, ...]]:
        """Make the calls in one transaction and one round trip; return the rows of the last."""
        if self._of_transaction:
            return await self.execute(self._of_transaction + inlined(calls, self._literal), (), until)
        for statement, _ in calls:
            if statement.name not in self._prepared:
                await self.execute(f"PREPARE {statement.name} AS {statement.sql}", (), until)
                self._prepared.add(statement.name)
        return await self.execute(*text_of(calls), until)

    async def execute(self, text: str, values: Sequence[Any], until: float) -> list[tuple[Any, ...]]:
        """Run a text and return its rows."""
        (cursor := self._only_cursor).execute(text, values or None)
        await self.wait(until)
        return cursor.fetchall() if cursor.description else []

    def _literal(self, value: Any) -> str:
        return self._only_cursor.mogrify("%s", (value,)).decode()

    async def wait(self, until: float) -> None:
        """Wait until the operation in progress has ended."""
        while (state := self.poll()) != POLL_OK:
            if time.monotonic() >= until:
                raise TimeoutError
            await ready(self, _EVENTS[state], until)

    def has_arrivals(self, seconds: float = 0.0) -> bool:
        """Whether there is data to read now, or within ``seconds``."""
        return is_ready(self, READABLE, seconds)

    def hang_up(self) -> None:
        """Shut down the sending side. The server ends the running query, and then the connection."""
        with socket.socket(fileno=os.dup(self.fileno())) as same:
            same.shutdown(socket.SHUT_WR)

    def wait_for_end(self, until: float) -> bool:
        """Whether the server has closed it too by ``until``, after ``hang_up``."""
        return is_ready(self, 0, until - time.monotonic())  # POLLHUP is always reported, further data is not
