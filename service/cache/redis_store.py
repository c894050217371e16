"""Redis: many names in one round trip, a deadline on every call, drivers' errors translated. Only here is redis-py."""

from __future__ import annotations

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

from service.cache.keys import EPOCH
from service.errors import RedisUnavailable

# A server, or what is between, may have closed a connection that was idle for so long.
_IDLE_SECONDS = 1.0

_PUT = Path(__file__).with_name("put.lua").read_text("utf-8")


class RedisStore:
    """The Redis or Valkey at ``url``. Every method raises RedisUnavailable if it cannot be had within the deadline."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        # The driver's own ten retries and five seconds would make a dead cache slower than none. Protocol 2 keeps it
        # from asking old servers for what they do not know.
        self._client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
        )
        self._timeout_seconds = timeout_seconds
        self._put = self._client.register_script(_PUT)
        self._of_thread = _OfThread()
        self._opened: list[Any] = []  # list.append is atomic

    def ask(self, names: Sequence[str]) -> socket:
        """Ask for the epoch and what is stored under each name; ``take``, in the same thread, waits for it.

        Returns the socket that becomes readable with the answer: the same one as long as the connection lasts.
        """
        connection = self._connection()
        now = time.monotonic()
        try:
            if now > self._of_thread.until + _IDLE_SECONDS:
                _drop_if_closed(connection)
            packed = hiredis.pack_command(("MGET", EPOCH, *names))  # type: ignore[arg-type]  # the stub knows one word
            connection.send_packed_command([packed], check_health=False)
        except redis.RedisError as error:
            connection.disconnect()
            raise RedisUnavailable from error
        self._of_thread.until = now + self._timeout_seconds
        return cast(socket, connection._get_socket())  # the driver has no public way to it

    def take(self) -> tuple[int | None, list[bytes | None]]:
        """The epoch, None if Redis does not know it, and what is stored under each name of the last ``ask``.

        Waits for the answer; after the deadline, which counts from ``ask``, for no answer that has not begun to come.
        """
        connection = self._connection()
        try:
            if time.monotonic() > self._of_thread.until:
                raise redis.TimeoutError
            epoch, *stored = connection.read_response()
            return (None if epoch is None else int(epoch)), stored
        except (redis.RedisError, ValueError) as error:
            connection.disconnect()  # whatever it has not said yet is no answer to the next question
            raise RedisUnavailable from error

    def put(self, epoch: int, entries: Sequence[tuple[str, bytes, float]]) -> int:
        """Store (name, bytes, seconds to keep) each unless a newer entry is there, and raise the epoch.

        Returns how many were stored; see ``put.lua``.
        """
        values: list[Any] = [epoch]
        for _, stored, keep_seconds in entries:
            values += [stored, max(1, int(keep_seconds * 1000))]
        try:
            return int(self._put(keys=[EPOCH, *(name for name, _, _ in entries)], args=values))
        except redis.RedisError as error:
            raise RedisUnavailable from error

    def ping(self) -> None:
        """Return if Redis answers."""
        try:
            self._client.ping()
        except redis.RedisError as error:
            raise RedisUnavailable from error

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
        self._client.connection_pool.disconnect()
        for connection in self._opened:
            connection.disconnect()

    def _connection(self) -> Any:
        """A connection of this thread's own: the driver's client costs more around a call than an MGET takes."""
        if self._of_thread.connection is None:
            self._of_thread.connection = self._client.connection_pool.make_connection()
            self._opened.append(self._of_thread.connection)
        return self._of_thread.connection


class _OfThread(threading.local):
    connection: Any = None
    until = 0.0
    """When the answer to the last question must have begun to come, on the monotonic clock."""


def _drop_if_closed(connection: Any) -> None:
    try:
        if connection.is_connected:
            connection.can_read(0)
    except redis.RedisError:
        connection.disconnect()
