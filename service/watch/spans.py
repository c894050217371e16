"""The counts of a span of time: what windows, charts and tiers are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from service.metrics.series import BUCKETS, Family
from service.watch.quantiles import quantile
from service.watch.ring import Ring
from service.watch.series import REPORTED, WATCHED, buckets_of

Count = Callable[[str], int]
"""What a series counted in some span, or ever."""


class Span:
    """Steps ``first`` to ``last`` of a ring; ``seconds`` of them are known."""

    def __init__(self, ring: Ring, first: int, last: int, seconds: int) -> None:
        self._ring, self._first, self._last = ring, first, last
        self.seconds = seconds
        self._counted: dict[str, int] = {}

    def count(self, series: str) -> int:
        """What a series counted."""
        if (counted := self._counted.get(series)) is None:
            counted = self._counted[series] = self._ring.sum(series, self._first, self._last)
        return counted

    def sum(self, some: Iterable[str]) -> int:
        """What several series counted together."""
        return sum(map(self.count, some))

    def per_second(self, some: Iterable[str]) -> float:
        """What these series counted together in a second, on average."""
        return self.sum(some) / self.seconds if self.seconds > 0 else 0.0

    def largest(self, series: str) -> int | None:
        """The largest value of a gauge."""
        return self._ring.largest(series, self._first, self._last)

    def quantile(self, share: float, family: Family, **labels: str) -> float | None:
        """A quantile of a histogram, in seconds."""
        return quantile(share, BUCKETS, [self.count(series) for series in buckets_of(family, **labels)])

    @cached_property
    def is_reported(self) -> bool:
        """Whether an instance reported any of it."""
        return self.count(REPORTED) > 0

    @cached_property
    def is_watched(self) -> bool:
        """Whether nginx and the stores were looked at."""
        return self.count(WATCHED) > 0


def ratio(part: float, whole: float) -> float | None:
    """A share or a mean; None of nothing."""
    return part / whole if whole else None
