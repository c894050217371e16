"""The headers that gunicorn sends with every answer."""

from __future__ import annotations

import time

from gunicorn.http.wsgi import SERVER
from gunicorn.util import http_date


class CommonHeaders:
    """Whole header lines, made anew once a second for the date in them."""

    def __init__(self) -> None:
        self._lines, self._until = b"", 0.0

    def lines(self, now: float) -> bytes:
        """The lines at ``now`` on the monotonic clock."""
        if now >= self._until:
            self._until = now + 1 - time.time() % 1
            self._lines = f"Server: {SERVER}\r\nDate: {http_date()}\r\nConnection: keep-alive\r\n".encode()
        return self._lines
