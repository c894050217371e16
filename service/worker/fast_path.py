"""The worker's interface to the application's fast path, which matches simple requests and answers them in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from service.coroutines import Work


class Request(Protocol):
    """A request that waits for a stage."""

    @property
    def stage(self) -> str:
        """The stage's name."""
        ...


Response = bytes | Request | None
"""The bytes to send; the request as the stage takes it that answers instead; or None, for the application to answer."""


class Stage(NamedTuple):
    """What requests wait for: one call answers a batch of them.

    ``answer`` takes requests and a function that gives the header lines which the worker sends with every response. It
    runs in the event loop. Requests that exceed ``most_waiting`` are refused. Of two batches at most the second begins
    only while the first is late, or at once if ``in_flight`` is 2.
    """

    answer: Callable[[Sequence[Any], Callable[[], bytes]], Work[Sequence[Response]]]
    most_in_batch: int
    most_waiting: int
    in_flight: int = 1


class FastPath(Protocol):
    """Tried before the application, which answers every request that does not match. ``stages`` are by name."""

    stages: Mapping[str, Stage]

    def match(self, raw: bytes, client: Any) -> Any | None:
        """One whole request from this address, parsed, or None. Its ``stage`` is the name of its first one."""
        ...

    def overloaded(self, request: Any, common: bytes) -> bytes:
        """The response to a request for which a stage has no room."""
        ...

    def malformed(self, status: int, common: bytes) -> bytes:
        """The response to a request that cannot be parsed; ``status`` says why."""
        ...

    def taken(self, received: bytes, response: bytes, seconds: float, *, is_whole: bool) -> None:
        """A response that did not fit into the socket waited so long for its client, who in the end took all or not.

        ``received`` begins with the head of the request, on either path.
        """
        ...
