"""What the worker asks of the application: a door that knows plain requests and answers many of them at once.

An answer is the bytes to send. ``common`` is what the worker sends with every answer: whole header lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from typing import Any, Protocol


class Door(Protocol):
    """Stands before the application. What it does not recognise beyond doubt, the application answers.

    ``begin``, ``receive`` and ``abandon`` run in the poll loop and never wait. After a ``begin`` that returned a socket
    comes a ``receive`` each time that it is readable, until one returns answers, or after ``answer_seconds`` a last one
    and ``abandon``; then the next ``begin``.
    """

    answer_seconds: float

    def recognise(self, request: bytes) -> Any | None:
        """One whole request, understood; None if there is any doubt."""
        ...

    def begin(self, requests: Sequence[Any]) -> socket | None:
        """Begin to find out what can be said at once; the socket that becomes readable then, None if nothing can."""
        ...

    def receive(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None] | None:
        """What can be said at once to the requests of the last ``begin``, None for the rest; None while unknown."""
        ...

    def abandon(self) -> None:
        """It is too late to find out more."""
        ...

    def fill(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None]:
        """The rest, waiting as it must; None where the application has to answer. Runs in a fill thread."""
        ...

    def refuse(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes]:
        """What to say where too many wait already."""
        ...
