"""What the worker asks of the application: a door that knows plain requests and answers many of them at once.

An answer is the bytes to send. ``common`` is what the worker sends with every answer: whole header lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from socket import socket
from typing import Any, Protocol


class Door(Protocol):
    """Stands before the application. What it does not recognise beyond doubt, the application answers.

    ``ask`` and ``take`` run in the poll loop and must not wait for long; ``take`` follows each ``ask`` that returned a
    socket, before the next, when that is readable or ``answer_seconds`` are over.
    """

    answer_seconds: float

    def recognise(self, request: bytes) -> Any | None:
        """One whole request, understood; None if there is any doubt."""
        ...

    def ask(self, requests: Sequence[Any]) -> socket | None:
        """Begin to find out what can be said at once; the socket that becomes readable then, None if nothing can."""
        ...

    def take(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None]:
        """What can be said at once to the requests of the last ``ask``, None for the rest."""
        ...

    def fill(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes | None]:
        """The rest, waiting as it must; None where the application has to answer. Runs in a fill thread."""
        ...

    def refuse(self, requests: Sequence[Any], common: bytes) -> Sequence[bytes]:
        """What to say where too many wait already."""
        ...
