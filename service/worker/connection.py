"""Clients' connections on the fast road: bytes in and out without waiting, and which of them are ready."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from typing import Any

from gunicorn.workers.gthread import TConn

READABLE, WRITABLE = select.EPOLLIN, select.EPOLLOUT

# As long as gunicorn takes a first line to be: it has something to say about a longer one that has not ended.
_LONGEST_HEAD_BYTES = 8190


class Connection(TConn):  # type: ignore[misc]
    """gunicorn's connection, with what the poll loop must remember of it.

    ``head`` is what came of a request so far; ``request`` that request once it is whole and recognised, until it is
    answered; ``rest`` what the socket has not taken yet of an answer; ``watched`` the events that are waited for.
    """

    head = b""
    request: Any = None
    rest: memoryview | None = None
    watched = 0

    def __init__(self, cfg: Any, client: socket.socket, address: Any, server: Any) -> None:
        super().__init__(cfg, client, address, server)
        self.descriptor = client.fileno()

    def receive(self) -> bytes | None:
        """All that came of a request so far, perhaps nothing yet; None if the client is gone."""
        try:
            received: bytes = self.sock.recv(_LONGEST_HEAD_BYTES)
        except BlockingIOError:
            return self.head
        except OSError:
            return None
        if not received:
            return None
        return self.head + received if self.head else received

    def send(self, data: bytes | memoryview) -> bool:
        """Send what the socket takes now and keep the ``rest``; false if the client is gone."""
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            return False
        self.rest = memoryview(data)[sent:] if sent < len(data) else None
        return True


class Connections:
    """The connections of the fast road by file descriptor, watched by ``epoll``."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._by_descriptor: dict[int, Connection] = {}
        self.get = self._by_descriptor.get

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_descriptor.values()))

    def __contains__(self, connection: Connection) -> bool:
        return self._by_descriptor.get(connection.descriptor) is connection

    def add(self, connection: Connection) -> None:
        """Take a connection on and wait for its request."""
        self._by_descriptor[connection.descriptor] = connection
        self.watch(connection, READABLE)

    def remove(self, connection: Connection) -> None:
        """Leave a connection to others."""
        self.unwatch(connection)
        del self._by_descriptor[connection.descriptor]

    def watch(self, connection: Connection, events: int) -> None:
        """Wait for these events, and no others, of a connection."""
        change = self._epoll.modify if connection.watched else self._epoll.register
        change(connection.descriptor, events)
        connection.watched = events

    def unwatch(self, connection: Connection) -> None:
        """Wait for nothing: epoll reports some events, such as the end of a connection, unasked."""
        if connection.watched:
            self._epoll.unregister(connection.descriptor)
            connection.watched = 0


def may_become_a_head(raw: bytes) -> bool:
    """Whether more bytes can make this a request's head. A line that ends without CR never will."""
    return b"\r\n\r\n" not in raw and len(raw) <= _LONGEST_HEAD_BYTES and raw.count(b"\n") == raw.count(b"\r\n")
