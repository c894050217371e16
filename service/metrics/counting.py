"""What counts, in the memory that the workers of an instance share."""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from service.metrics.memory import FIRST_WORD, Area, SharedMemory
from service.metrics.series import (
    ADDITIONS_ANSWERED,
    ANSWERS,
    BUCKETS,
    DOCUMENTS,
    NANOSECONDS,
    REQUESTS,
    SERIES,
    Family,
)

_SUM = len(BUCKETS) + 1
HISTOGRAM_WORDS = _SUM + 1
"""Of one histogram in memory: its buckets, then the sum of its durations in nanoseconds."""


def _places(family: Family) -> dict[tuple[str, ...], int]:
    """Where the first series of each combination of labels stands in SERIES."""
    firsts = [next(iter(family.series_of(labels))) for labels in family.combinations()]
    combinations = [tuple(labels.values()) for labels in family.combinations()]
    return {values: SERIES.index(first) for values, first in zip(combinations, firsts, strict=True)}


_ANSWERS, _ADDITIONS, _TOTALS, _DOCUMENTS = map(_places, (ANSWERS, ADDITIONS_ANSWERED, REQUESTS, DOCUMENTS))


class Counts:
    """The counters of a family, by the values of its labels."""

    def __init__(self, area: Area, family: Family) -> None:
        self._area = area
        self._word = {labels: FIRST_WORD + place for labels, place in _places(family).items()}

    def add(self, labels: tuple[str, ...] = (), times: int = 1) -> None:
        """Count ``times`` more of these labels."""
        area, word = self._area, self._word[labels]
        if area.lock is None:
            area.words[word] += times
        else:
            with area.lock:
                area.words[word] += times

    def add_seconds(self, seconds: float, labels: tuple[str, ...] = ()) -> None:
        """Count a duration, in a family of seconds."""
        self.add(labels, max(0, int(seconds * NANOSECONDS)))


class Durations:
    """The histograms of a family, by the values of its labels."""

    def __init__(self, area: Area, family: Family) -> None:
        self._area = area
        self._first_word = {labels: FIRST_WORD + place for labels, place in _places(family).items()}

    def observe(self, seconds: float, labels: tuple[str, ...] = ()) -> None:
        """Count one duration."""
        _count(self._area, self._first_word[labels], ((bisect_left(BUCKETS, seconds), 1),), seconds)


def spread(now: float, began: list[float]) -> Sequence[tuple[int, int]]:
    """How many durations from ``began`` to ``now`` are in each bucket, as pairs. Sorts ``began``.

    A batch's durations are in few buckets: looking for their bounds costs less than looking up each duration.
    """
    if len(began) == 1:
        return ((bisect_left(BUCKETS, now - began[0]), 1),)
    began.sort()
    shortest, longest = bisect_left(BUCKETS, now - began[-1]), bisect_left(BUCKETS, now - began[0])
    if shortest == longest:
        return ((shortest, len(began)),)
    bounds = [bisect_left(began, now - BUCKETS[bucket]) for bucket in range(shortest, longest)]
    ends = [len(began), *bounds, 0]
    return [(shortest + index, end - start) for index, (end, start) in enumerate(pairwise(ends)) if end > start]


def _count(area: Area, first: int, counts: Sequence[tuple[int, int]], seconds: float) -> None:
    """Add ``counts`` by bucket, of ``seconds`` in all, to the histogram that begins at this word."""
    if area.lock is None:
        _add(area.words, first, counts, seconds)
    else:
        with area.lock:
            _add(area.words, first, counts, seconds)


def _add(words: memoryview, first: int, counts: Sequence[tuple[int, int]], seconds: float) -> None:
    for bucket, count in counts:
        words[first + bucket] += count
    if seconds > 0:
        words[first + _SUM] += int(seconds * NANOSECONDS)


class Request(NamedTuple):
    """What requests are counted by, as one histogram each. ``path`` is empty for those that are not traffic.

    ``outcome`` is that of a read of documents, else empty; ``kind`` that of its only document, if it is not counted in
    another way. What else is counted once a request follows from these, when somebody looks: see ``totals``.
    """

    endpoint: str
    method: str
    status: int
    outcome: str = ""
    path: str = "fast"
    kind: str = ""


class Requests:
    """Durations of requests."""

    def __init__(self, area: Area) -> None:
        self._area = area
        self._first_word: dict[Request, int] = {}
        self._rest = self._block(Request("other", "other", 0, path=""))

    def answered(self, request: Request, began: list[float]) -> None:
        """Count requests that ``began`` at these times (``time.perf_counter``) and are answered now."""
        now = time.perf_counter()
        if (first := self._first_word.get(request)) is None:
            first = self._first_word[request] = self._block(request)
        _count(self._area, first, spread(now, began), len(began) * now - sum(began))

    def _block(self, request: Request) -> int:
        try:
            return self._area.block(json.dumps(request), HISTOGRAM_WORDS)
        except MemoryError:  # more kinds than the routes have
            return self._rest


def requests(memory: SharedMemory) -> dict[Request, list[int]]:
    """The histogram of each kind of request."""
    return {Request(*json.loads(name)): counts for name, counts in memory.blocks().items()}


def totals(memory: SharedMemory) -> list[int]:
    """The values of SERIES: those that are counted, and those that follow from the requests."""
    values = memory.values()
    for request, counts in requests(memory).items():
        for first in _histograms_of(request):
            for place, count in enumerate(counts, first):
                values[place] += count
        if (request.kind, request.outcome) in _DOCUMENTS:
            values[_DOCUMENTS[request.kind, request.outcome]] += sum(counts[:_SUM])
        if request.path:
            values[_TOTALS[request.path, f"{request.status // 100}xx"]] += sum(counts[:_SUM])
    return values


def _histograms_of(request: Request) -> Iterator[int]:
    if request.outcome:
        yield _ANSWERS[request.outcome,]
    if (request.endpoint, request.method) == ("/cart", "POST"):
        yield _ADDITIONS[()]
