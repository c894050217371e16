"""By when an answer is wanted: nothing that is done for it in the same thread waits longer than that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf

_at: ContextVar[float] = ContextVar("deadline", default=inf)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have an answer wanted in so many seconds, inside the block."""
    token = _at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _at.reset(token)


def left(most: float) -> float:
    """Seconds that may be waited now: ``most``, or what is left of them until the answer is wanted."""
    return min(most, max(0.0, _at.get() - time.monotonic()))
