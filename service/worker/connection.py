"""A client's connection on the fast road: its bytes in and out, without waiting, and until when it may be silent."""

from __future__ import annotations

import socket
from typing import Any

from gunicorn.workers.gthread import TConn

# As long as gunicorn takes a first line to be: it has something to say about a longer one that has not ended.
_LONGEST_HEAD_BYTES = 8190
_NOTHING = memoryview(b"")


class Connection(TConn):  # type: ignore[misc]
    """gunicorn's connection, with what the poll loop must remember of it.

    ``head`` is what came of a request so far; ``request`` that request once it is whole and recognised, until it is
    answered; ``rest`` what the socket has not taken yet of an answer.
    """

    head = b""
    request: Any = None
    rest = _NOTHING
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
        if sent < len(data):
            self.rest = memoryview(data)[sent:]
        elif self.rest is not _NOTHING:
            self.rest = _NOTHING
        return True


def may_become_a_head(raw: bytes) -> bool:
    """Whether more bytes can make this a request's head. A line that ends without CR never will."""
    return b"\r\n\r\n" not in raw and len(raw) <= _LONGEST_HEAD_BYTES and raw.count(b"\n") == raw.count(b"\r\n")
