"""An instance's metrics for Prometheus, and its history for who watches all instances."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from math import nan

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from service.metrics import Metrics
from service.metrics.counting import requests, totals
from service.metrics.series import FAMILIES, SERIES, add_histogram

CONTENT_TYPE = CONTENT_TYPE_LATEST
_MOST_LISTED = 20


class _Collector(Collector):
    def __init__(self, metrics: Metrics, asked: Mapping[str, float]) -> None:
        self._metrics = metrics
        self._asked = asked

    def collect(self) -> Iterator[Metric]:
        """The families of the history, those of this module, and what was asked of the stores."""
        counts = dict(zip(SERIES, totals(self._metrics.memory), strict=True))
        yield from (family.metric(counts) for family in FAMILIES)
        yield self._requests()
        gauges = self._metrics.gauges()
        yield _gauge(
            "overview_breaker_open",
            "1 while the circuit breaker of a store is open.",
            gauges.breaker_open,
            part="redis",
        )
        yield _gauge("overview_pool_connections", "Connections to Postgres at most.", gauges.connections)
        yield _gauge("overview_pool_connections_busy", "Connections to Postgres in use.", gauges.connections_busy)
        yield _gauge("overview_build_info", "The deployed version.", 1, version=self._metrics.version)
        yield from (_gauge(name, _OF_STORES[name], value) for name, value in self._asked.items())

    def _requests(self) -> Metric:
        family = HistogramMetricFamily(
            "overview_request_seconds", "Duration of requests.", labels=("endpoint", "method", "status")
        )
        sums: dict[tuple[str, str, str], list[int]] = {}
        for (endpoint, method, status, *_), counts in requests(self._metrics.memory).items():
            before = sums.get(labels := (endpoint, method, str(status)), [0] * len(counts))
            sums[labels] = [a + b for a, b in zip(before, counts, strict=True)]
        for labels, counts in sums.items():
            if any(counts):
                add_histogram(family, labels, counts)
        return family


_OF_STORES = {
    "overview_outbox_oldest_seconds": "Age of the oldest pending invalidation; NaN without Postgres.",
    "overview_silent_listeners": "How often notifications did not reach the invalidator; NaN without Redis.",
}


def _gauge(name: str, meaning: str, value: float, **labels: str) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=list(labels))
    family.add_metric(list(labels.values()), float(value))
    return family


def text(metrics: Metrics, *, outbox_oldest_seconds: float = nan, silent_listeners: float = nan) -> bytes:
    """The metrics in Prometheus' text format; NaN for what a store could not say."""
    registry = CollectorRegistry()
    asked = zip(_OF_STORES, (outbox_oldest_seconds, silent_listeners), strict=True)
    registry.register(_Collector(metrics, dict(asked)))
    return generate_latest(registry)


def history(metrics: Metrics, since: int | None) -> bytes:
    """A line of JSON that describes the instance, then its rows after the second ``since``; see ``History.since``."""
    rows = metrics.history.since(since)
    about = {
        "incarnation": metrics.memory.incarnation,
        "started": metrics.memory.started,
        "worker": os.getpid(),
        "version": metrics.version,
        "rows": len(rows),
        "series": SERIES,
        "gauges": metrics.gauges()._asdict(),
        "hottest": [(*key, count) for key, count in metrics.hottest.per_minute(_MOST_LISTED)],
        "missed": [(*key, count) for key, count in metrics.missed.per_minute(_MOST_LISTED)],
    }
    return json.dumps(about).encode() + b"\n" + b"".join(rows)
