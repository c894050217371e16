"""The counts of a span of time: what windows, charts and tiers are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from service.metrics.series import BOUNDS, BUCKETS, counters
from service.watch.quantiles import quantile
from service.watch.ring import Ring
from service.watch.series import REPORTED, WATCHED

NANOSECONDS = 1e9


class Span:
    """Steps ``first`` to ``last`` of a ring; ``seconds`` of them are known."""

    def __init__(self, ring: Ring, first: int, last: int, seconds: int) -> None:
        self._ring, self._first, self._last = ring, first, last
        self.seconds = seconds

    def count(self, name: str) -> int:
        """What a series counted."""
        return self._ring.sum(name, self._first, self._last)

    def per_second(self, *names: str) -> float:
        """What these series counted together in a second, on average."""
        return sum(map(self.count, names)) / self.seconds if self.seconds else 0.0

    def largest(self, name: str) -> int | None:
        """The largest value of a gauge."""
        return self._ring.largest(name, self._first, self._last)

    def quantile(self, share: float, family: str, **labels: str) -> float | None:
        """A quantile, in seconds, of an instance's histogram."""
        return quantile(share, BUCKETS, self.buckets(family, BOUNDS, **labels))

    def buckets(self, family: str, bounds: Sequence[str], **labels: str) -> list[int]:
        """What each bucket of a histogram counted."""
        wanted = {label: (value,) for label, value in labels.items()}
        return [self.count(name) for name in counters(f"{family}_bucket", **wanted, le=tuple(bounds))]

    @cached_property
    def is_reported(self) -> bool:
        """Whether an instance reported any of it."""
        return self._ring.filled(REPORTED, self._first, self._last) > 0

    @cached_property
    def is_watched(self) -> bool:
        """Whether nginx and the stores were looked at."""
        return self._ring.filled(WATCHED, self._first, self._last) > 0


def ratio(part: float, whole: float) -> float | None:
    """A share or a mean; None of nothing."""
    return part / whole if whole else None


Count = Callable[[str], int]
"""What a series counted in some span, or ever."""
