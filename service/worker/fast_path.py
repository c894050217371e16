"""The worker's interface to the application's fast path, which matches simple requests and answers them in batches.

A response is the bytes to send. ``common`` holds the header lines that the worker sends with every response.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from typing import Any, Protocol


class FastPath(Protocol):
    """Tried before the application, which answers every request that is in doubt.

    ``begin``, ``receive`` and ``abandon`` run in the event loop and must not block. After a ``begin`` that returned a
    socket, ``receive`` is called each time that it is readable, until one returns responses, or after
    ``look_up_seconds`` a last time, followed by ``abandon``; then comes the next ``begin``.
    """

    look_up_seconds: float

    def match(self, raw: bytes) -> Any | None:
        """One whole request, parsed; None if in doubt."""
        ...

    def begin(self, requests: Sequence[Any]) -> socket | None:
        """Begin a look-up; return the socket that becomes readable with its result, None if there can be none now.

        Without requests, only connect.
        """
        ...

    def receive(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None] | None:
        """Responses to the requests of the last ``begin``, None for each miss; None while the look-up is in flight."""
        ...

    def abandon(self) -> None:
        """Give up on a look-up that is past its deadline."""
        ...

    def fill(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None]:
        """Responses to misses, blocking, in a fill thread; None where the application has to answer."""
        ...

    def overloaded(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes]:
        """Responses to requests that exceed the queue."""
        ...

    def malformed(self, status: int, common: bytes) -> bytes:
        """The response to a request that cannot be parsed; ``status`` says why."""
        ...
