"""Redis: many names in one round trip, a deadline on every call, drivers' errors translated. Only here is redis-py."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.cache.keys import EPOCH
from service.errors import RedisUnavailable

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
        self._put = self._client.register_script(_PUT)
        self._of_thread = threading.local()
        self._opened: list[Any] = []  # list.append is atomic

    def get(self, names: Sequence[str]) -> tuple[int | None, list[bytes | None]]:
        """The epoch, None if Redis does not know it, and what is stored under each name."""
        connection = self._connection()
        try:
            connection.send_packed_command(connection.pack_command("MGET", EPOCH, *names), check_health=False)
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
        if not hasattr(self._of_thread, "connection"):
            self._of_thread.connection = self._client.connection_pool.make_connection()
            self._opened.append(self._of_thread.connection)
        return self._of_thread.connection
