"""Redis: many names in one round trip, a deadline on every call, a connection for each call in flight."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeVar

from service import timing
from service.cache.entry import UNKNOWN_INCARNATION, Found
from service.cache.keys import EPOCH
from service.cache.position import Position, name_of, raising
from service.cache.redis_calls import PUT, Command, called, checked, evaluated, milliseconds
from service.cache.redis_connection import RedisConnection
from service.cache.redis_server import RedisServer, info_fields
from service.coroutines import Work, elsewhere

# The server, or a proxy on the way, may have closed a connection that was idle for longer.
_IDLE_SECONDS = 1.0

# Returned by put.lua in place of a count.
ANOTHER_SERVER = -1

Stored = tuple[str, bytes, float]  # name, bytes, TTL in seconds
T = TypeVar("T")
Stores = TypeVar("Stores", bound=tuple[Any, ...])


class Server(Protocol):
    """What a store connects to: see RedisServer."""

    def connect(self, until: float) -> RedisConnection:
        """A connection, blocking; raises RedisUnavailable if there is none by ``until``."""
        ...


class RedisStore:
    """The Redis or Valkey at ``server``. Calls raise RedisUnavailable if it does not reply within the deadline.

    ``incarnation`` is the last one seen: another each time that Redis was emptied, or came back with an older data
    set; UNKNOWN_INCARNATION if it has none. ``epoch`` is the highest that it had at the last ``put``. ``position`` is
    that of the last look-up, None if there was none; it is read if ``with_position``.
    """

    def __init__(self, server: str | Server, timeout_seconds: float, *, with_position: bool = False) -> None:
        self._server = RedisServer(server) if isinstance(server, str) else server
        self.epoch_name = EPOCH
        self._timeout_seconds = timeout_seconds
        self.incarnation = UNKNOWN_INCARNATION
        self.epoch = 0
        self.position: Position | None = None
        self._with_position = with_position
        self._idle: list[tuple[RedisConnection, float]] = []  # most recently used last; pop and append are atomic
        self._closed = False

    async def get(self, names: Sequence[str]) -> Found:
        """The epoch and what is stored under each name."""
        return await self._call(partial(self._get, names))

    async def put(
        self,
        epoch: int,
        entries: Sequence[Stored],
        incarnation: int | None = None,
        not_after: float | None = None,
    ) -> int:
        """Store each (name, bytes, TTL in seconds) unless a newer entry is there, and raise the epoch.

        With an ``incarnation``, nothing is stored in another one; nor after ``not_after`` (monotonic), checked by the
        server's clock, however long the call is in flight. Returns how many were stored; see ``put.lua``.
        """
        count, _, _ = await self._call_known(partial(self._put, epoch, entries, incarnation, not_after))
        return count

    async def raise_position(self, incarnation: int, epoch: int, written: int) -> bool:
        """Raise the position to so many bytes of the log in an epoch; whether this is still that incarnation.

        The incarnation must have been known before the position was read from the source.
        """
        return bool(await self._call(partial(self._run, raising(self.epoch_name, incarnation, epoch, written))))

    async def count(self, name: str) -> None:
        """Increment the counter of this name."""
        await self._call(partial(self._run, ("INCR", name)))

    async def info(self) -> dict[str, str]:
        """What the server says of itself, by the names of INFO; and ``keys``, the number of names in the database."""
        return await self._call(self._info)

    async def seconds_left(self, name: str) -> float | None:
        """Seconds until the server drops what is stored under a name; None if that is nothing."""
        milliseconds = await self._call(partial(self._run, ("PTTL", name)))
        return milliseconds / 1000 if milliseconds >= 0 else None

    def renew(self) -> None:
        """Close the idle connections: new ones check the server's identity again."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop()[0].close()

    def close(self) -> None:
        """Close every connection; those in use are closed after use."""
        self._closed = True
        self.renew()

    async def _get(self, names: Sequence[str], connection: RedisConnection, until: float) -> Found:
        await connection.send(("MGET", *self._about(), *names), until=until)
        return self._found(checked(await connection.reply(until)), connection, until)

    def _about(self) -> tuple[str, ...]:
        """The names that a look-up asks for before others."""
        return (self.epoch_name, name_of(self.epoch_name)) if self._with_position else (self.epoch_name,)

    def _found(self, replies: list[bytes | None], connection: RedisConnection, until: float) -> Found:
        """What was stored under ``_about`` and under others."""
        said, *stored = replies
        position = stored.pop(0) if self._with_position else None
        known, incarnation, server = (said or b"0:0:").split(b":", 2)
        if server != connection.server:  # emptied, or of another server than when this connection was new
            if said is not None:
                connection.close()
            self.incarnation = UNKNOWN_INCARNATION
            return Found(None, UNKNOWN_INCARNATION, stored)
        self.incarnation = int(incarnation)
        if self._with_position:
            self.position = Position.parse(position, int(known), until - self._timeout_seconds)
        return Found(int(known) or None, self.incarnation, stored)

    async def _put(
        self,
        epoch: int,
        entries: Sequence[Stored],
        incarnation: int | None,
        not_after: float | None,
        connection: RedisConnection,
        until: float,
    ) -> tuple[int, int, int]:
        """How many were stored, or ANOTHER_SERVER; the epoch and the incarnation."""
        names = [self.epoch_name, *(name for name, _, _ in entries)]
        last_instant = "" if not_after is None else connection.server_microseconds(not_after)
        about_server = connection.server, int(connection.is_new), last_instant
        values: list[Any] = [epoch, "" if incarnation is None else incarnation]
        for _, stored, keep_seconds in entries:
            values += [stored, milliseconds(keep_seconds)]
        run = ("EVALSHA", PUT.sha, len(names), *names, *about_server, *values)
        (reply,) = await evaluated(PUT, [run], connection, until)
        count, known, own_incarnation, clock = map(int, checked(reply))
        self.epoch, self.incarnation = known, own_incarnation
        connection.learn_clock(clock)
        return count, known, own_incarnation

    async def _info(self, connection: RedisConnection, until: float) -> dict[str, str]:
        await connection.send(("INFO",), ("DBSIZE",), until=until)
        said, keys = checked(await connection.reply(until)), checked(await connection.reply(until))
        return {name.decode(): value.decode() for name, value in info_fields(said).items()} | {"keys": str(keys)}

    async def _run(self, command: Command, connection: RedisConnection, until: float) -> Any:
        return checked(await called(connection, command, until))

    async def _call_known(self, exchange: Callable[[RedisConnection, float], Work[Stores]]) -> Stores:
        """Make an exchange whose result begins with a count; again on a new connection after ANOTHER_SERVER."""
        result = await self._call(exchange)
        if result[0] == ANOTHER_SERVER:
            self.renew()
            result = await self._call(exchange)
        return result

    @timing.noted("redis")
    async def _call(self, exchange: Callable[[RedisConnection, float], Work[T]]) -> T:
        """Make an exchange with the server, on a connection of its own for the time, until the deadline."""
        until = time.monotonic() + self._timeout_seconds
        if (connection := self._idle_connection()) is None:
            connection = await elsewhere(partial(self._server.connect, until))
        try:
            result = await exchange(connection, until)
        except BaseException:
            connection.close()
            raise
        connection.is_new = False
        if connection.is_open:
            self._idle.append((connection, time.monotonic()))
        if self._closed:
            self.renew()
        return result

    def _idle_connection(self) -> RedisConnection | None:
        while True:
            try:
                connection, used = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() <= used + _IDLE_SECONDS or connection.is_quiet():
                return connection
            connection.close()
