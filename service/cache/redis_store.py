"""Redis: many names in one round trip, a deadline on every call, drivers' errors translated. Only here is redis-py."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from socket import socket
from typing import Any, cast

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.cache.aside import UNKNOWN_LIFE
from service.cache.keys import EPOCH
from service.errors import RedisUnavailable

# A server, or what is between, may have closed a connection that was idle for so long.
_IDLE_SECONDS = 1.0

_PUT = Path(__file__).with_name("put.lua").read_text("utf-8")
_PUT_SHA = hashlib.sha1(_PUT.encode(), usedforsecurity=False).hexdigest()


class RedisStore:
    """The Redis or Valkey at ``url``. Every method raises RedisUnavailable if it cannot be had within the deadline.

    ``life`` is what it was last seen in: another one each time that it was emptied, UNKNOWN_LIFE if it said none.
    """

    def __init__(self, url: str, timeout_seconds: float) -> None:
        # The driver's own ten retries and five seconds would make a dead cache slower than none. Protocol 2 keeps it
        # from asking old servers for what they do not know.
        self._pool = redis.ConnectionPool.from_url(
            url,
            protocol=2,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        self._timeout_seconds = timeout_seconds
        self._of_thread = _OfThread()
        self.life = UNKNOWN_LIFE
        self._opened: list[Any] = []  # list.append is atomic

    def ask(self, names: Sequence[str]) -> socket:
        """Ask for the epoch and what is stored under each name; ``take``, in the same thread, waits for it.

        Returns the socket that becomes readable with the answer: the same one as long as the connection lasts.
        """
        self._send("MGET", EPOCH, *names)
        self._of_thread.until = time.monotonic() + self._timeout_seconds
        return cast(socket, self._of_thread.connection._get_socket())  # the driver has no public way to it

    def take(self) -> tuple[int | None, list[bytes | None]]:
        """The epoch, None if Redis does not know it, and what is stored under each name of the last ``ask``.

        Waits for the answer; after the deadline, which counts from ``ask``, for no answer that has not begun to come.
        """
        if time.monotonic() > self._of_thread.until:
            self._of_thread.connection.disconnect()
            raise RedisUnavailable
        try:
            said, *stored = self._receive()
            return self._heard(said), stored
        except ValueError as error:
            raise RedisUnavailable from error

    def put(self, epoch: int, entries: Sequence[tuple[str, bytes, float]], life: bytes = b"") -> int:
        """Store (name, bytes, seconds to keep) each unless a newer entry is there, and raise the epoch.

        With a ``life``, nothing is stored in another one. Returns how many were stored; see ``put.lua``.
        """
        values: list[Any] = [epoch, life]
        for _, stored, keep_seconds in entries:
            values += [stored, max(1, int(keep_seconds * 1000))]
        names = [EPOCH, *(name for name, _, _ in entries)]
        run = ("EVALSHA", _PUT_SHA, len(names), *names, *values)
        try:
            stored, self.life = self._call(*run)
        except redis.exceptions.NoScriptError:  # it is new there, or its scripts were flushed
            self._call("SCRIPT", "LOAD", _PUT)
            stored, self.life = self._call(*run)
        return int(stored)

    def ping(self) -> None:
        """Return if Redis answers."""
        self._call("PING")

    def close(self) -> None:
        """Close every connection."""
        for connection in self._opened:
            connection.disconnect()

    def _heard(self, said: bytes | None) -> int | None:
        """The epoch, None if none was ever said; see ``put.lua``."""
        if said is None:
            self.life = UNKNOWN_LIFE
            return None
        epoch, _, life = said.partition(b":")
        self.life = life or UNKNOWN_LIFE
        return int(epoch) or None

    def _call(self, *words: str | bytes | int) -> Any:
        self._send(*words)
        return self._receive()

    def _send(self, *words: str | bytes | int) -> None:
        mine = self._of_thread
        if mine.connection is None:
            mine.connection = self._pool.make_connection()
            self._opened.append(mine.connection)
        if time.monotonic() > mine.until + _IDLE_SECONDS:
            _drop_if_closed(mine.connection)
        packed = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub knows one word
        try:
            mine.connection.send_packed_command([packed], check_health=False)
        except redis.RedisError as error:
            mine.connection.disconnect()
            raise RedisUnavailable from error

    def _receive(self) -> Any:
        try:
            return self._of_thread.connection.read_response()
        except redis.exceptions.NoScriptError:
            raise
        except redis.RedisError as error:
            self._of_thread.connection.disconnect()  # what it has not said yet is no answer to the next question
            raise RedisUnavailable from error


class _OfThread(threading.local):
    """A connection of each thread's own: the driver's client costs more around a call than an MGET takes."""

    connection: Any = None
    until = 0.0
    """When the answer to the last question must have begun to come, on the monotonic clock."""


def _drop_if_closed(connection: Any) -> None:
    try:
        if connection.is_connected:
            connection.can_read(0)
    except redis.RedisError:
        connection.disconnect()
