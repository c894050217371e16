"""Where the time of a request goes: how long it waits for Redis, for Postgres, for another request's load."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

ARRIVED = "overview.arrived"
"""Key in a WSGI environment: when the request began to wait for a thread (``time.perf_counter``)."""


class Waits:
    """The waits of one request, or of a batch, whose work ``began`` and ``ended`` (on ``time.perf_counter``).

    ``seconds`` has those of each part that was waited for.
    """

    __slots__ = ("began", "ended", "seconds")

    def __init__(self) -> None:
        self.began = self.ended = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def after(self, earlier: Waits | None) -> Waits:
        """Both as if they were one: as long, with the waits of each."""
        if earlier is None:
            return self
        both = Waits()
        both.began, both.ended = self.began - (earlier.ended - earlier.began), self.ended
        for each in (earlier, self):
            for part, seconds in each.seconds.items():
                both.seconds[part] = both.seconds.get(part, 0.0) + seconds
        return both


_current: ContextVar[Waits | None] = ContextVar("waits", default=None)


def begin() -> Waits:
    """Note the waits of this thread or task from now on."""
    waits = Waits()
    _current.set(waits)
    return waits


def noted(part: str) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Decorate a coroutine function: the time that each call takes is a wait for this part."""

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(function)
        async def timed(*args: P.args, **kwargs: P.kwargs) -> R:
            began = time.perf_counter()
            try:
                return await function(*args, **kwargs)
            finally:
                if (waits := _current.get()) is not None:
                    waits.seconds[part] = waits.seconds.get(part, 0.0) + time.perf_counter() - began

        return timed

    return decorate
