"""The deadline of the current request: what its thread waits for, it waits for no longer than that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

_at: ContextVar[float] = ContextVar("deadline", default=inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Set the deadline to so many seconds from now, inside the block."""
    token = _at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _at.reset(token)


def left(most: float) -> float:
    """Seconds that a call may take now: ``most``, or less if the deadline is sooner."""
    return min(most, max(0.0, _at.get() - time.monotonic()))
