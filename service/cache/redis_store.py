"""Redis: many names in one round trip, a deadline on every call; the event loop does not block on a reply.

Threads look up and store, blocking, each with a connection of its own for the time. The loop has one connection, made
by a thread, which resolves names, connects and authenticates; the loop only sends and receives.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import socket
from typing import Any

import hiredis

from service.cache.entry import UNKNOWN_INCARNATION, Found
from service.cache.keys import EPOCH
from service.cache.redis_connection import NOT_WHOLE, RedisConnection
from service.cache.redis_server import RedisServer
from service.errors import RedisUnavailable

# The server, or a proxy on the way, may have closed a connection that was idle for longer.
_IDLE_SECONDS = 1.0

# Returned by put.lua in place of a count.
_ANOTHER_SERVER = -1

_PUT = Path(__file__).with_name("put.lua").read_text("utf-8")
_PUT_SHA = hashlib.sha1(_PUT.encode(), usedforsecurity=False).hexdigest()


class RedisStore:
    """The Redis or Valkey at ``url``. Calls raise RedisUnavailable if it does not reply within the deadline.

    ``incarnation`` is the last one seen: another each time that Redis was emptied, or came back with an older data
    set; UNKNOWN_INCARNATION if it has none. ``epoch`` is the highest that it had at the last ``put``.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._server = RedisServer(url)
        self._timeout_seconds = timeout_seconds
        self.incarnation = UNKNOWN_INCARNATION
        self.epoch = 0
        self._idle: list[tuple[RedisConnection, float]] = []  # most recently used last; pop and append are atomic
        self._of_loop: RedisConnection | None = None
        self._used = 0.0
        self._connecting = threading.Lock()
        self._closed = False

    def begin(self, names: Sequence[str]) -> socket | None:
        """Request, in the event loop, the epoch and what is stored under each name; ``receive`` returns it.

        Returns the socket that becomes readable with it, the same one as long as the connection lasts; None while there
        is no connection: a thread is making one.
        """
        now = time.monotonic()
        connection = self._of_loop
        if connection is not None and now > self._used + _IDLE_SECONDS and not connection.is_quiet():
            self.abandon()
            connection = None
        if connection is None:
            self._connect_for_loop()
            return None
        self._used = now
        try:
            connection.send(("MGET", EPOCH, *names), until=now)
        except RedisUnavailable:
            self._of_loop = None
            raise
        return connection.socket

    def receive(self) -> Found | None:
        """The reply to the last ``begin``; None until it has arrived whole."""
        if (connection := self._of_loop) is None:
            raise RedisUnavailable
        try:
            reply = connection.receive()
            return None if reply is NOT_WHOLE else self._found(connection, reply)
        finally:
            if not connection.is_open:
                self._of_loop = None

    def abandon(self) -> None:
        """Close the event loop's connection: a late reply on it would be taken for that to the next request."""
        if self._of_loop is not None:
            self._of_loop.close()
            self._of_loop = None

    def get(self, names: Sequence[str]) -> Found:
        """The same as ``begin`` and ``receive``, blocking."""
        with self._connection() as (connection, until):
            connection.send(("MGET", EPOCH, *names), until=until)
            return self._found(connection, connection.wait(until))

    def put(
        self,
        epoch: int,
        entries: Sequence[tuple[str, bytes, float]],
        incarnation: int | None = None,
        not_after: float | None = None,
    ) -> int:
        """Store each (name, bytes, TTL in seconds) unless a newer entry is there, and raise the epoch.

        With an ``incarnation``, nothing is stored in another one; nor after ``not_after`` (monotonic), checked by the
        server's clock, however long the call is in flight. Returns how many were stored; see ``put.lua``.
        """
        names = [EPOCH, *(name for name, _, _ in entries)]
        values: list[Any] = [epoch, "" if incarnation is None else incarnation]
        for _, stored, keep_seconds in entries:
            values += [stored, max(1, int(keep_seconds * 1000))]
        count = self._put(names, values, not_after)
        if count == _ANOTHER_SERVER:
            self.renew()
            count = self._put(names, values, not_after)
        return count

    def count(self, name: str) -> None:
        """Increment the counter of this name."""
        with self._connection() as (connection, until):
            _checked(_called(connection, ("INCR", name), until))

    def renew(self) -> None:
        """Close the connections of threads: new ones check the server's identity again."""
        while self._idle:
            with suppress(IndexError):
                self._idle.pop()[0].close()

    def close(self) -> None:
        """Close every connection; those in use are closed after use."""
        self._closed = True
        self.abandon()
        self.renew()

    def _found(self, connection: RedisConnection, reply: Any) -> Found:
        said, *stored = _checked(reply)
        known, incarnation, server = (said or b"0:0:").split(b":", 2)
        if server != connection.server:  # emptied, or of another server than when this connection was new
            if said is not None:
                connection.close()
            self.incarnation = UNKNOWN_INCARNATION
            return Found(None, UNKNOWN_INCARNATION, stored)
        self.incarnation = int(incarnation)
        return Found(int(known) or None, self.incarnation, stored)

    def _put(self, names: Sequence[str], values: Sequence[Any], not_after: float | None) -> int:
        with self._connection() as (connection, until):
            last_instant = "" if not_after is None else connection.server_microseconds(not_after)
            about_server = (connection.server, int(connection.is_new), last_instant)
            run = ("EVALSHA", _PUT_SHA, len(names), *names, *about_server, *values)
            reply = _called(connection, run, until)
            if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT"):  # not loaded, or flushed
                _called(connection, ("SCRIPT", "LOAD", _PUT), until)
                reply = _called(connection, run, until)
            count, epoch, incarnation, clock = _checked(reply)
            self.epoch, self.incarnation = int(epoch), int(incarnation)
            connection.learn_clock(int(clock))
            return int(count)

    @contextmanager
    def _connection(self) -> Iterator[tuple[RedisConnection, float]]:
        """A connection for this thread alone, and the deadline of the call."""
        until = time.monotonic() + self._timeout_seconds
        connection = self._idle_connection() or self._server.connect(until)
        try:
            yield connection, until
        except BaseException:
            connection.close()
            raise
        connection.is_new = False
        if connection.is_open:
            self._idle.append((connection, time.monotonic()))
        if self._closed:
            self.renew()

    def _idle_connection(self) -> RedisConnection | None:
        while True:
            try:
                connection, used = self._idle.pop()
            except IndexError:
                return None
            if time.monotonic() <= used + _IDLE_SECONDS or connection.is_quiet():
                return connection
            connection.close()

    def _connect_for_loop(self) -> None:
        if self._connecting.acquire(blocking=False):
            threading.Thread(target=self._make_ready, name="connecting to Redis", daemon=True).start()

    def _make_ready(self) -> None:
        try:
            self._of_loop = self._server.connect(time.monotonic() + self._timeout_seconds)
        except RedisUnavailable:
            pass  # the next ``begin`` tries again
        finally:
            self._connecting.release()


def _called(connection: RedisConnection, command: tuple[str | bytes | int, ...], until: float) -> Any:
    connection.send(command, until=until)
    return connection.wait(until)


def _checked(reply: Any) -> Any:
    if isinstance(reply, hiredis.ReplyError):
        raise RedisUnavailable from reply
    return reply
