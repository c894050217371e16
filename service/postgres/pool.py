"""A bounded connection pool, for threads or for the event loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from types import MappingProxyType
from typing import Any

import psycopg2.errors

from service import deadline, timing
from service.coroutines import block_on, elsewhere
from service.errors import LockTimeout, PoolExhausted, PostgresUnavailable, ReplicaBehind
from service.metrics import PoolMetrics
from service.metrics.memory import SharedMemory
from service.postgres.connection import LOST, SESSION, Connection
from service.postgres.servers import Servers
from service.postgres.slots import Slots
from service.postgres.statement import Call, Statement

# How long after statement_timeout the server has ended a statement, even if it did not see the client hang up.
_LATE_SECONDS = 1.0
# How long after the client has hung up the server has ended what it runs, unless it is a commit.
_HUNG_UP_SECONDS = 1.0
# A commit that waits for a synchronous standby has no timeout and does not see the client go, but it can be told to.
_END_COMMIT = Statement(
    "end_commit",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND wait_event = 'SyncRep'",
)


class Postgres:
    """A pool of at most ``size`` connections to ``url``. A call that finds none free waits for one.

    ``timeout_seconds`` bounds a call as a whole: waiting for a connection, connecting, and running. So does an earlier
    ``deadline`` of the request. ``on_connect`` is the first call on each new connection, or, where a pooler that gives
    each transaction another one is in between (``is_pooled``), in each transaction. ``metrics`` count the calls.
    ``of_replica`` is for a standby, on which a call may begin with the statement ``replayed``; None for any server.
    ``settings`` are further ones of each session.
    """

    def __init__(
        self,
        url: str,
        size: int,
        timeout_seconds: float,
        *,
        name: str = "overview",
        on_connect: Call | None = None,
        metrics: PoolMetrics | None = None,
        is_pooled: bool = False,
        of_replica: bool | None = False,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        session = {**SESSION, "statement_timeout": str(int(timeout_seconds * 1000)), **settings}
        self._servers = Servers(url, name, session, is_pooled=is_pooled, are_replicas=of_replica)
        # A replica may have yet to replay a migration: then a query cannot be run there, which is no mistake in it.
        self._lost = (psycopg2.Error, OSError) if of_replica else LOST
        self._of_replica = of_replica
        self._on_connect = None if is_pooled else on_connect
        self._first_calls = [on_connect] if is_pooled and on_connect is not None else []
        self._timeout_seconds = timeout_seconds
        self._slots = Slots(size)
        self._metrics = metrics or PoolMetrics.of(SharedMemory().claim()[0])
        self._idle: list[Connection] = []  # most recently used last; list.pop and append are atomic

    @timing.noted("postgres")
    async def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        """Run the calls in one transaction and one round trip; return the rows of the last.

        Raises PostgresUnavailable if that is not done in time, or if the server is read-only and the calls write;
        PoolExhausted if no connection was free; LockTimeout if a lock was not within the transaction's own
        lock_timeout; ReplicaBehind. The transaction may then still have been committed only if the connection was lost
        during the commit itself.
        """
        seconds, connection = deadline.left(self._timeout_seconds), None
        until = time.monotonic() + seconds
        if seconds <= 0:
            raise PostgresUnavailable
        await self._take_slot(until)
        began = time.monotonic()
        try:
            if (connection := self._idle_connection()) is None:
                connection = await elsewhere(partial(self._connect, until))
            rows = await connection.run([*self._first_calls, *calls], until)
        except BaseException as error:
            if connection is not None and (refusal := self._refusal(error)):
                self._put_back(connection)  # as good as before
                raise refusal from None
            self._give_up(connection)
            if isinstance(error, psycopg2.errors.ReadOnlySqlTransaction):
                self.close()  # another server may be the primary now
            elif not isinstance(error, self._lost):
                raise
            raise PostgresUnavailable from error
        finally:
            self._metrics.busy.add_seconds(time.monotonic() - began)
        self._metrics.calls.observe(time.monotonic() - began)
        self._put_back(connection)
        return rows

    def _refusal(self, error: BaseException) -> PostgresUnavailable | None:
        """What the server means by an error that it raised by intention."""
        if isinstance(error, psycopg2.errors.LockNotAvailable):
            return LockTimeout()
        if self._of_replica and isinstance(error, psycopg2.errors.DivisionByZero):
            return ReplicaBehind()
        return None

    @property
    def size(self) -> int:
        """The most connections."""
        return self._slots.count

    @property
    def busy(self) -> int:
        """How many are in use."""
        return self._slots.count - self._slots.free

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def _take_slot(self, until: float) -> None:
        has_to_wait, began = not self._slots.free, time.monotonic()
        try:
            await self._slots.take(until)
        except TimeoutError:
            raise PoolExhausted from None
        finally:
            if has_to_wait:
                self._metrics.waits.add()
                self._metrics.wait.add_seconds(time.monotonic() - began)

    def _connect(self, until: float) -> Connection:
        connection = self._servers.connect(until)
        if self._on_connect is not None:
            try:
                block_on(connection.run([self._on_connect], until))
            except BaseException:
                self._leave(connection)
                raise
        return connection

    def _idle_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            # No query is running: if there is data to read, the server has closed the connection or is about to.
            if not connection.has_arrivals():
                return connection
            connection.close()
        return None

    def _put_back(self, connection: Connection) -> None:
        if self._servers.will_do(connection):
            self._idle.append(connection)
        else:
            connection.close()
        self._slots.give_back()

    def _give_up(self, connection: Connection | None) -> None:
        """Free the slot of a connection once the server has ended its query: until then it counts."""
        if connection is None:
            self._slots.give_back()
        else:
            self._leave(connection, self._slots.give_back)

    def _leave(self, connection: Connection, then: Callable[[], None] = lambda: None) -> None:
        """Close a connection, and do ``then``, once the server has ended its query."""
        try:
            if not connection.closed and connection.isexecuting():
                connection.hang_up()
                arguments = connection, then
                threading.Thread(target=self._see_out, args=arguments, name="ending a query", daemon=True).start()
                return
        except (OSError, RuntimeError):
            pass  # the server was faster, or no thread can be started
        connection.close()
        then()

    def _see_out(self, connection: Connection, then: Callable[[], None]) -> None:
        until = time.monotonic() + self._timeout_seconds + _LATE_SECONDS
        if not connection.wait_for_end(time.monotonic() + _HUNG_UP_SECONDS):
            with suppress(psycopg2.Error, OSError):
                self._end_commit(connection, until)
            connection.wait_for_end(until)
        connection.close()
        then()

    def _end_commit(self, connection: Connection, until: float) -> None:
        """End the backend if it waits for a standby: it stays committed, and keeps its locks no longer."""
        with closing(self._servers.connect(until)) as other:
            block_on(other.run([Call(_END_COMMIT, (connection.info.backend_pid,))], until))
