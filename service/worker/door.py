"""What the worker asks of the application: a door that knows plain requests and answers many of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol


class Answer(NamedTuple):
    """``status`` with its reason; ``headers``, each line with its end; ``body``, empty for HEAD and 304."""

    status: bytes
    headers: bytes
    body: bytes


class Door(Protocol):
    """Stands before the application. What it does not recognise beyond doubt, the application answers."""

    def recognise(self, request: bytes) -> Any | None:
        """One whole request, understood; None if there is any doubt."""
        ...

    def answer(self, requests: Sequence[Any]) -> Sequence[Answer | None]:
        """What can be said at once, None for the rest. Runs in the poll loop: must not wait for long."""
        ...

    def fill(self, requests: Sequence[Any]) -> Sequence[Answer | None]:
        """The rest, waiting as it must; None where the application has to answer. Runs in a fill thread."""
        ...

    def refuse(self, request: Any) -> Answer:
        """What to say where too many wait already."""
        ...
