"""What is counted and measured. An instance is one process, so each one has its own ``/metrics``."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Metric, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

OUTCOMES = ("hit", "stale", "miss", "bypass")

_BUCKETS = tuple(milliseconds / 1000 for milliseconds in (0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500))
_BOUNDS = (*map(str, _BUCKETS), "+Inf")


class Durations(Collector):
    """A histogram of how long requests took, by endpoint, method and status; many alike are counted at once."""

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
        """Give them to Prometheus, which wants each bucket to hold those below it too."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=("endpoint", "method", "status"))
        with self._lock:
            seen = [(labels, list(accumulate(counts)), total[0]) for labels, (counts, total) in self._seen.items()]
        for labels, counts, total in seen:
            family.add_metric(labels, list(zip(_BOUNDS, map(float, counts), strict=True)), total)
        yield family


class Metrics:
    """The counters of one instance, in a registry of their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series for each series, which nobody reads
        self._registry = CollectorRegistry()
        self.documents = Counter(
            "overview_documents_total",
            "Documents served, by kind and by where they came from.",
            ("kind", "outcome"),
            registry=self._registry,
        )
        self.requests = Durations("overview_request_seconds", "Time to answer a request.")
        self._registry.register(self.requests)
        self.fills = Counter(
            "overview_fills_total",
            "Documents offered to the cache after a miss, by what became of them.",
            ("outcome",),
            registry=self._registry,
        )

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
