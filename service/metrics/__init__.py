"""The metrics of an instance. It is one process, and has its own ``/metrics``."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

OUTCOMES = ("hit", "stale", "miss", "bypass")

_BUCKETS = tuple(milliseconds / 1000 for milliseconds in (0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500))
_BOUNDS = (*map(str, _BUCKETS), "+Inf")

C = TypeVar("C", bound=Collector)


class Durations(Collector):
    """A histogram of request durations, by endpoint, method and status; a batch is counted at once."""

    def __init__(self, name: str, meaning: str) -> None:
        self._name = name
        self._meaning = meaning
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], tuple[list[int], list[float]]] = {}

    def observe(self, endpoint: str, method: str, status: int, seconds: float, times: int = 1) -> None:
        """Count ``times`` requests that took ``seconds`` each."""
        labels = (endpoint, method, str(status))
        with self._lock:
            counts, total = self._seen.setdefault(labels, ([0] * (len(_BUCKETS) + 1), [0.0]))
            counts[bisect_left(_BUCKETS, seconds)] += times
            total[0] += seconds * times

    def collect(self) -> Iterator[Metric]:
        """Yield them for Prometheus, whose buckets are cumulative."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=("endpoint", "method", "status"))
        with self._lock:
            seen = [(labels, list(accumulate(counts)), total[0]) for labels, (counts, total) in self._seen.items()]
        for labels, counts, total in seen:
            family.add_metric(labels, list(zip(_BOUNDS, map(float, counts), strict=True)), total)
        yield family


class Counts(Collector):
    """A counter with labels; a batch is counted at once, at a tenth of the cost of the library's own."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str]) -> None:
        self._family = name, meaning, labels
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, ...]] = Counter()

    def add(self, labels: tuple[str, ...], times: int = 1) -> None:
        """Count ``times`` more of these labels."""
        with self._lock:
            self._seen[labels] += times

    def collect(self) -> Iterator[Metric]:
        """Yield them for Prometheus."""
        name, meaning, labels = self._family
        family = CounterMetricFamily(name, meaning, labels=labels)
        with self._lock:
            seen = list(self._seen.items())
        for each, times in seen:
            family.add_metric(each, times)
        yield family


class Metrics:
    """The counters of one instance, in a registry of their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = self._kept(Durations("overview_request_seconds", "Duration of requests."))
        self.documents = self._kept(
            Counts(
                "overview_documents",
                "Documents served, by kind and outcome: hit, stale, miss or bypass.",
                ("kind", "outcome"),
            )
        )
        self.fills = self._kept(
            Counts("overview_fills", "Documents offered to the cache after a miss: stored or refused.", ("outcome",))
        )
        self.shadow = self._kept(Counts("overview_shadow", "Hits verified against Postgres, by result.", ("outcome",)))
        self.breaker_open = self._kept(
            Gauge("overview_breaker_open", "1 while the circuit breaker of a store is open.", ("part",), registry=None)
        )
        self.outbox_oldest_seconds = self._kept(
            Gauge(
                "overview_outbox_oldest_seconds",
                "Age of the oldest pending invalidation; NaN without Postgres.",
                registry=None,
            )
        )

        self.silent_listeners = self._kept(
            Gauge(
                "overview_silent_listeners",
                "How often notifications did not reach the listening invalidator; NaN without Redis.",
                registry=None,
            )
        )

    def text(self) -> bytes:
        """The metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def _kept(self, collector: C) -> C:
        self._registry.register(collector)
        return collector
