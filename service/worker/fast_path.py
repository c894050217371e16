"""What the worker asks of the application: a fast path that matches simple requests and answers many of them at once.

A response is the bytes to send. ``common`` is what the worker sends with every response: whole header lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from typing import Any, Protocol


class FastPath(Protocol):
    """Stands before the application. What it does not match beyond doubt, the application answers.

    ``begin``, ``receive`` and ``abandon`` run in the event loop and never wait. After a ``begin`` that returned a
    socket comes a ``receive`` each time that it is readable, until one returns responses, or after ``look_up_seconds``
    a last one and ``abandon``; then the next ``begin``.
    """

    look_up_seconds: float

    def match(self, raw: bytes) -> Any | None:
        """One whole request, parsed; None if there is any doubt."""
        ...

    def begin(self, requests: Sequence[Any]) -> socket | None:
        """Begin to look up what can be answered at once; the socket that becomes readable then, None if nothing can.

        Without requests, only make ready to look up.
        """
        ...

    def receive(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None] | None:
        """Responses to the requests of the last ``begin``, None for those not found; None while unknown."""
        ...

    def abandon(self) -> None:
        """The look-up is late: expect its result no longer."""
        ...

    def fill(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None]:
        """Responses to requests that were not found, waited for; None where the application has to answer.

        Runs in a fill thread.
        """
        ...

    def overloaded(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes]:
        """Responses where too many requests wait already."""
        ...

    def malformed(self, status: int, common: bytes) -> bytes:
        """The response to what no parser understands; ``status`` says why."""
        ...
