"""What counts, in the memory that the workers of an instance share."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from service.metrics.memory import Area
from service.metrics.series import ADDITIONS_ANSWERED, ANSWERS, BUCKETS, NANOSECONDS, REQUESTS, SERIES, Family, name

_WORD_OF = {series: 1 + index for index, series in enumerate(SERIES)}
_SUM = len(BUCKETS) + 1
HISTOGRAM_WORDS = _SUM + 1
"""Of one histogram in memory: its buckets, then the sum of its durations in nanoseconds."""


class Counts:
    """The counters of a family, by the values of its labels."""

    def __init__(self, area: Area, family: Family) -> None:
        self._area = area
        self._word = {tuple(labels.values()): _WORD_OF[name(family.name, **labels)] for labels in family.combinations()}

    def add(self, labels: tuple[str, ...] = (), times: int = 1) -> None:
        """Count ``times`` more of these labels."""
        word = self._word[labels]
        with self._area.lock:
            self._area.words[word] += times

    def add_seconds(self, seconds: float, labels: tuple[str, ...] = ()) -> None:
        """Count a duration, in a family of seconds."""
        self.add(labels, max(0, int(seconds * NANOSECONDS)))


class Durations:
    """The histograms of a family, by the values of its labels."""

    def __init__(self, area: Area, family: Family) -> None:
        self._area = area
        self.first_word = {
            tuple(labels.values()): _WORD_OF[name(f"{family.name}_bucket", **labels, le=str(BUCKETS[0]))]
            for labels in family.combinations()
        }

    def observe(self, seconds: float, labels: tuple[str, ...] = ()) -> None:
        """Count one duration."""
        count_durations(self._area, [self.first_word[labels]], [(bisect_left(BUCKETS, seconds), 1)], seconds)


def spread(now: float, began: list[float]) -> list[tuple[int, int]]:
    """How many durations from ``began`` to ``now`` are in each bucket, as pairs. Sorts ``began``.

    A batch's durations are in few buckets: looking for their bounds costs less than looking up each duration.
    """
    began.sort()
    shortest, longest = (bisect_left(BUCKETS, now - one) for one in (began[-1], began[0]))
    if shortest == longest:
        return [(shortest, len(began))]
    bounds = [bisect_left(began, now - BUCKETS[bucket]) for bucket in range(shortest, longest)]
    ends = [len(began), *bounds, 0]
    return [(shortest + index, end - start) for index, (end, start) in enumerate(pairwise(ends)) if end > start]


def count_durations(area: Area, histograms: Sequence[int], counts: list[tuple[int, int]], seconds: float) -> None:
    """Add ``counts`` by bucket, of ``seconds`` in all, to each of the ``histograms``, given by their first words."""
    words, nanoseconds = area.words, max(0, int(seconds * NANOSECONDS))
    with area.lock:
        for first in histograms:
            for bucket, count in counts:
                words[first + bucket] += count
            words[first + _SUM] += nanoseconds


class Requests:
    """All that is counted once a request: its duration by endpoint, method and status; by outcome; of additions."""

    def __init__(self, area: Area) -> None:
        self._area = area
        self._answers, self._additions = Durations(area, ANSWERS), Durations(area, ADDITIONS_ANSWERED)
        self._totals = Counts(area, REQUESTS)
        self._histograms: dict[tuple[str, str, int, str | None], list[int]] = {}

    def answered(
        self,
        endpoint: str,
        method: str,
        status: int,
        began: list[float],
        *,
        outcome: str | None = None,
        path: str = "fast",
    ) -> None:
        """Count requests that ``began`` at these times (``time.perf_counter``) and are answered now.

        ``outcome`` is that of reads of documents.
        """
        now, key = time.perf_counter(), (endpoint, method, status, outcome)
        histograms = self._histograms.get(key) or self._found(*key)
        count_durations(self._area, histograms, spread(now, began), len(began) * now - sum(began))
        self._totals.add((path, f"{status // 100}xx"), len(began))

    def _found(self, endpoint: str, method: str, status: int, outcome: str | None) -> list[int]:
        histograms = [self._area.block(f"{endpoint} {method} {status}", HISTOGRAM_WORDS)]
        if outcome is not None:
            histograms.append(self._answers.first_word[outcome,])
        if (endpoint, method) == ("/cart", "POST"):
            histograms.append(self._additions.first_word[()])
        self._histograms[endpoint, method, status, outcome] = histograms
        return histograms
