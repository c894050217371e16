"""Clients' connections: non-blocking input and output, and epoll registration."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from service.coroutines import READABLE

# gunicorn's limit of a request line: its parser refuses a longer one.
_LONGEST_HEAD_BYTES = 8190


class Unsent(NamedTuple):
    """A response that its client did not take at once, since when (monotonic), and what was received of its request."""

    received: bytes
    response: bytes
    since: float


class Connection:
    """A client's socket with its state in the event loop.

    ``head`` holds the bytes received so far of a request; ``request`` is that request until it is answered; ``rest``
    is the unsent part of a response, after which the connection is closed if ``is_last``, and ``unsent`` that response
    until it is noted. ``timeout`` is when it is closed unless something happens, ``watched`` the registered events.
    """

    __slots__ = (
        "address",
        "descriptor",
        "head",
        "is_last",
        "request",
        "rest",
        "server",
        "socket",
        "timeout",
        "unsent",
        "watched",
    )

    def __init__(self, client: socket.socket, address: Any, server: Any) -> None:
        client.setblocking(False)
        self.socket, self.descriptor = client, client.fileno()
        self.address, self.server = address, server
        self.head = b""
        self.request: Any = None
        self.rest: memoryview | None = None
        self.unsent: Unsent | None = None
        self.is_last = False
        self.timeout = 0.0
        self.watched = 0

    def receive(self) -> bytes | None:
        """The bytes received so far of a request, perhaps none; None if the client has gone."""
        try:
            received: bytes = self.socket.recv(_LONGEST_HEAD_BYTES)
        except BlockingIOError:
            return self.head
        except OSError:
            return None
        if not received:
            return None
        return self.head + received if self.head else received

    def send(self, data: bytes | memoryview) -> bool:
        """Send what the socket takes now and keep the ``rest``; false if the client has gone.

        The response to what ``head`` begins with, or, once it has begun, the ``rest`` of it.
        """
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        if sent == len(data):
            self.rest = None
            return True
        if isinstance(data, bytes):
            self.unsent = Unsent(self.head, data, time.monotonic())
        self.rest = memoryview(data)[sent:]
        return True

    def end(self) -> None:
        """Send no more. What the client still sends must be read: a reset could destroy the response."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)


class Connections:
    """All connections by file descriptor, watched by ``epoll``."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._by_descriptor: dict[int, Connection] = {}
        self.get = self._by_descriptor.get

    def __len__(self) -> int:
        return len(self._by_descriptor)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_descriptor.values()))

    def __contains__(self, connection: Connection) -> bool:
        return self._by_descriptor.get(connection.descriptor) is connection

    def add(self, connection: Connection) -> None:
        """Add a connection and watch for its request."""
        self._by_descriptor[connection.descriptor] = connection
        self.watch(connection, READABLE)

    def close(self, connection: Connection) -> None:
        """Close a connection and remove it."""
        self.unwatch(connection)
        del self._by_descriptor[connection.descriptor]
        connection.socket.close()

    def watch(self, connection: Connection, events: int) -> None:
        """Watch a connection for these events only."""
        if connection.watched != events:
            change = self._epoll.modify if connection.watched else self._epoll.register
            change(connection.descriptor, events)
            connection.watched = events

    def unwatch(self, connection: Connection) -> None:
        """Unregister a connection: a registered one reports some events, such as its end, in any case."""
        if connection.watched:
            self._epoll.unregister(connection.descriptor)
            connection.watched = 0


def may_become_a_head(raw: bytes) -> bool:
    """Whether more bytes can make this a request's head. A line that ends without CR never will."""
    return b"\r\n\r\n" not in raw and len(raw) <= _LONGEST_HEAD_BYTES and raw.count(b"\n") == raw.count(b"\r\n")
