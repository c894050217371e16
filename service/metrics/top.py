"""The documents that are asked for most, found with bounded memory: a counter that keeps only its largest entries."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

_MOST, _KEPT = 4096, 1024
_HALVED_EVERY_SECONDS = 60.0


class Top(Generic[T]):
    """Counts a share of what is seen; ``share`` is that of the batches, picked at random.

    Counts are halved each minute, so that they are about now. A thing that arrives just below the cut each time is
    lost. Rates are estimates, too low in the first minutes.
    """

    def __init__(self, share: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._halved = clock()
        self._counts: Counter[T] = Counter()
        self._lock = threading.Lock()

    def saw(self, things: Iterable[T]) -> None:
        """Count a batch, perhaps."""
        if self._share < 1.0 and random.random() >= self._share:  # noqa: S311 (a sample, no secret)
            return
        with self._lock:
            self._counts.update(things)
            if len(self._counts) > _MOST:
                floor = sorted(self._counts.values())[-_KEPT]
                self._counts = Counter({one: count for one, count in self._counts.items() if count > floor})

    def per_minute(self, most: int) -> list[tuple[T, float]]:
        """The most frequent ones, with about how often a minute each was seen."""
        with self._lock:
            age = (self._clock() - self._halved) / _HALVED_EVERY_SECONDS
            # In a steady state the minutes before add up, halved, to one minute; the present one is added to that.
            return [(one, count / self._share / (1 + age)) for one, count in self._counts.most_common(most)]

    def halve(self) -> None:
        """Halve the counts if a minute has passed; to be called about once a second."""
        if self._clock() - self._halved < _HALVED_EVERY_SECONDS:
            return
        with self._lock:
            self._halved = self._clock()
            halved = {one: count >> 1 for one, count in self._counts.items()}
            self._counts = Counter({one: count for one, count in halved.items() if count})
