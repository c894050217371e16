"""One connection to a Redis server: commands out, whole replies in, up to one absolute deadline."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any, Final

import hiredis

from service.coroutines import READABLE, WRITABLE, is_ready, ready
from service.errors import RedisUnavailable

_CHUNK_BYTES = 65536
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _NotWhole:
    """A reply that has not arrived, or not completely."""


_NOT_WHOLE: Final = _NotWhole()


class RedisConnection:
    """A connected, non-blocking socket. ``until`` is the deadline of a whole call, on the clock ``time.monotonic``.

    Methods that send or receive raise RedisUnavailable if the server has closed it, does not speak Redis' protocol, or
    is late; then the connection is closed, since a late reply would be taken for that to the next command. ``server``
    identifies the server's process and the history of its data, as of when the connection ``is_new``.
    """

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self.socket = connected
        self._tls = connected if isinstance(connected, ssl.SSLSocket) else None
        self.server, self.is_new = b"", True
        self._clock_ahead_microseconds = 0
        self._reader = hiredis.Reader(notEnoughData=_NOT_WHOLE)

    async def send(self, *commands: tuple[str | bytes | int, ...], until: float) -> None:
        """Send commands; ``reply`` returns their replies one by one."""
        data = b"".join([hiredis.pack_command(words) for words in commands])  # type: ignore[arg-type]  # stub knows str
        try:
            sent = self._send_now(data)
            while sent < len(data):
                _check(until)
                await ready(self.socket, WRITABLE, until)
                sent += self._send_now(memoryview(data)[sent:])
        except OSError as error:
            raise self._lost() from error

    async def reply(self, until: float) -> Any:
        """The next reply, which may be a ``hiredis.ReplyError``.

        One that has arrived is taken however late: this process may have stalled.
        """
        try:
            while (reply := self._reader.gets()) is _NOT_WHOLE:
                if not (self._tls and self._tls.pending()):
                    await ready(self.socket, READABLE, until)
                self._receive(until)
        except (OSError, hiredis.ProtocolError) as error:
            raise self._lost() from error
        return reply

    def learn_clock(self, microseconds: int) -> None:
        """Note the server's clock, in microseconds since 1970, from a reply that has just arrived."""
        self._clock_ahead_microseconds = microseconds - int(time.monotonic() * 1e6)

    def server_microseconds(self, instant: float) -> int:
        """``instant`` (monotonic) by the server's clock: not later than it was there, earlier by a reply's latency."""
        return int(instant * 1e6) + self._clock_ahead_microseconds

    def is_quiet(self) -> bool:
        """Whether nothing can be read: if something can, the server has closed the connection or is about to."""
        return not is_ready(self.socket, READABLE)

    @property
    def is_open(self) -> bool:
        """Whether it can be used again."""
        return self.socket.fileno() >= 0

    def close(self) -> None:
        """Close it."""
        self.socket.close()

    def _send_now(self, data: bytes | memoryview) -> int:
        try:
            return self.socket.send(data)
        except _NOT_NOW:
            return 0

    def _receive(self, until: float) -> None:
        try:
            received = self.socket.recv(_CHUNK_BYTES)
        except _NOT_NOW:
            _check(until)
            return
        if not received:
            raise ConnectionError
        self._reader.feed(received)

    def _lost(self) -> RedisUnavailable:
        self.close()
        return RedisUnavailable()


def _check(until: float) -> None:
    if time.monotonic() >= until:
        raise TimeoutError
