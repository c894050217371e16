"""HTTP to an instance, at ``host:port`` or at a Unix socket."""

from __future__ import annotations

import socket
from http.client import HTTPConnection


def connection_to(instance: str, timeout_seconds: float) -> HTTPConnection:
    """A connection to ``host:port`` or ``unix:/path``, opened at its first request; the timeout is of each step."""
    path = instance.removeprefix("unix:")
    return (
        _AtUnixSocket(path, timeout_seconds) if path != instance else HTTPConnection(instance, timeout=timeout_seconds)
    )


class _AtUnixSocket(HTTPConnection):
    def __init__(self, path: str, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
