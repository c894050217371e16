"""The headers that gunicorn sends with every response."""

from __future__ import annotations

import time

from gunicorn.http.wsgi import SERVER
from gunicorn.util import http_date


class CommonHeaders:
    """Whole header lines, updated once a second for the date: ``lines``, and ``closing`` for a last response."""

    def __init__(self) -> None:
        self.lines = self.closing = b""
        self._until = 0.0

    def update(self, now: float) -> None:
        """Set them for ``now`` on the monotonic clock."""
        if now >= self._until:
            self._until = now + 1 - time.time() % 1
            lines = f"Server: {SERVER}\r\nDate: {http_date()}\r\nConnection: ".encode()
            self.lines, self.closing = lines + b"keep-alive\r\n", lines + b"close\r\n"
