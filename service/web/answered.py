"""A request and its response, as the log, ``Server-Timing`` and traces tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from service.trace_context import TraceContext

UNKNOWN = "unknown"
"""The endpoint of a request that no route matches."""


class Answered(NamedTuple):
    """A request that was answered, between two readings of ``time.perf_counter``; ``waits`` has seconds by part.

    ``endpoint`` is its route, ``trace`` that of its caller.
    """

    request_id: str
    trace: TraceContext | None
    endpoint: str
    method: str
    status: int
    arrived: float
    ended: float
    waits: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """How long that took."""
        return self.ended - self.arrived

    @property
    def is_failed(self) -> bool:
        """Whether it failed through no fault of the client."""
        return self.status >= 500

    def server_timing(self) -> str:
        """Where the time went, as the header of that name has it: in milliseconds."""
        parts = {**self.waits, "total": self.seconds}
        return ", ".join(f"{part};dur={seconds * 1000:.3f}" for part, seconds in parts.items())
