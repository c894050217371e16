"""The metrics of an instance: counters in memory that its workers share, and the last hour of them.

``series`` declares what is counted, ``memory`` holds it, ``counting`` counts, ``history`` keeps a row each second,
``top`` finds what is asked for most, ``exposition`` is Prometheus' text.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from service.metrics import series
from service.metrics.counting import Counts, Durations, Requests
from service.metrics.history import History
from service.metrics.memory import Area, SharedMemory
from service.metrics.top import Top

_SHARE_OF_HOTTEST = 1 / 8


class Gauges(NamedTuple):
    """What is so now: whether the circuit breaker is open, connections to Postgres at most and in use."""

    breaker_open: bool = False
    connections: int = 0
    connections_busy: int = 0


class PoolMetrics(NamedTuple):
    """Of connections to Postgres: duration of calls, time in use, waits for a free one and the time of those."""

    calls: Durations
    busy: Counts
    waits: Counts
    wait: Counts

    @classmethod
    def of(cls, area: Area) -> PoolMetrics:
        """Counting in this area."""
        families = series.POOL_BUSY, series.POOL_WAITS, series.POOL_WAIT
        return cls(Durations(area, series.POSTGRES_CALLS), *(Counts(area, family) for family in families))


class Traffic(NamedTuple):
    """What is counted with every request: documents by outcome, look-ups in Redis, and the requests themselves."""

    documents: Counts
    look_ups: Durations
    requests: Requests

    @classmethod
    def of(cls, area: Area) -> Traffic:
        """Counting in this area."""
        return cls(Counts(area, series.DOCUMENTS), Durations(area, series.REDIS_CALLS), Requests(area))

    def count_documents(self, served: Iterable[tuple[tuple[str, int], tuple[Any, ...] | None]]) -> None:
        """Count the documents that are there, given with their keys, by kind and outcome."""
        for labels, count in Counter([(key[0], one[4]) for key, one in served if one is not None]).items():
            self.documents.add(labels, count)


class Metrics:
    """The metrics of one instance, by default in memory of its own; ``version`` is the deployed one.

    Any thread counts in ``traffic``, the event loop alone in ``loop_traffic``: a lock would cost it as much as all the
    rest. ``hottest`` and ``missed`` are documents by (kind, product id), in this worker. ``gauges`` is set by who opens
    the parts that it tells of.
    """

    def __init__(self, memory: SharedMemory | None = None, version: str = "") -> None:
        self.memory = memory or SharedMemory()
        self.version = version
        area, of_loop = self.memory.claim()
        self.traffic, self.loop_traffic = Traffic.of(area), Traffic.of(of_loop)
        self.fills = Counts(area, series.FILLS)
        self.replica_reads = Counts(area, series.REPLICA_READS)
        self.loads = Counts(area, series.LOADS)
        self.load_keys = Counts(area, series.LOAD_KEYS)
        self.shadow = Counts(area, series.SHADOW)
        self.additions = Counts(area, series.ADDITIONS)
        self.batches = Counts(area, series.BATCHES)
        self.breaker_openings = Counts(area, series.BREAKER_OPENINGS)
        self.pool = PoolMetrics.of(area)
        self.hottest: Top[tuple[str, int]] = Top(_SHARE_OF_HOTTEST)
        self.missed: Top[tuple[str, int]] = Top()
        self.gauges: Callable[[], Gauges] = Gauges
        self.history = History(self.memory, self._before_row)
        self._breaker_open = Counts(area, series.BREAKER_OPEN)
        self._last_row = time.monotonic()

    def _before_row(self) -> None:
        now, before = time.monotonic(), self._last_row
        self._last_row = now
        if self.gauges().breaker_open:
            self._breaker_open.add_seconds(now - before, ("redis",))
        self.hottest.halve()
        self.missed.halve()
