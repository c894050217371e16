"""The metrics of the whole service, and of Redis, in Prometheus' text format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import nan
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector as Registered

from service.metrics.series import SERIES
from service.watch.collector import Collector
from service.watch.series import ANSWERERS, INVALIDATIONS, NGINX_REQUESTS, NGINX_RESPONSES, STATUSES, answered
from service.watch.spans import NANOSECONDS, Count
from service.watch.stores import RedisState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

MEANINGS = {
    "overview_documents_total": "Documents served, by kind and outcome: hit, stale, miss or bypass.",
    "overview_answer_seconds": "Duration of reads of documents, by the worst outcome of their documents.",
    "overview_redis_call_seconds": "Duration of round trips to Redis.",
    "overview_postgres_call_seconds": "Duration of round trips to Postgres.",
    "overview_cart_addition_seconds": "Duration of additions to carts.",
    "overview_requests_total": "Requests answered, by path and class of status.",
    "overview_fills_total": "Documents offered to the cache after a miss: stored or refused.",
    "overview_loads_total": "Queries for missed documents.",
    "overview_load_keys_total": "Documents wanted from Postgres, by a load of one's own or shared with one in flight.",
    "overview_shadow_total": "Hits verified against Postgres, by result.",
    "overview_pool_busy_seconds_total": "Time that connections to Postgres were in use.",
    "overview_pool_waits_total": "Waits for a connection to Postgres.",
    "overview_pool_wait_seconds_total": "Time waited for connections to Postgres.",
    "overview_breaker_openings_total": "How often the circuit breaker of a store opened.",
    "overview_breaker_open_seconds_total": "Time that the circuit breaker of a store was open.",
    "overview_cart_additions_total": "Additions to carts, by outcome.",
    "overview_cart_batches_total": "Batches of additions to carts.",
    NGINX_REQUESTS: "Requests to nginx, by who answered them.",
    NGINX_RESPONSES: "Responses of nginx, by class of status; 429 is not in 4xx.",
}
"""What each family of series counts."""

_LABEL = re.compile(r'(\w+)="([^"]*)"')

Labels = tuple[tuple[str, str], ...]


class _Name(NamedTuple):
    """The parts of a series' name: its family, ``_bucket`` or ``_sum`` if it is of a histogram, and its labels."""

    family: str
    part: str
    labels: Labels


def metrics(collector: Collector) -> bytes:
    """The sums over all instances, which do not fall, and how the parts are now."""
    with collector.history.lock:
        totals = collector.history.totals.copy()
    return _text(
        [*_families(totals.__getitem__), *_of_nginx(totals.__getitem__), *_of_now(collector, totals[INVALIDATIONS])]
    )


def metrics_of_redis(collector: Collector) -> bytes:
    """What Redis says of itself, by the names that Prometheus' exporter for Redis has."""
    redis = collector.seen.redis
    return _text(
        [_gauge("redis_up", "Whether Redis responds.", redis is not None), *(_of_redis(redis) if redis else ())]
    )


def _families(count: Count) -> Iterator[Metric]:
    by_family: dict[str, list[_Name]] = {}
    for series in SERIES:
        name = _parsed(series)
        by_family.setdefault(name.family, []).append(name)
    of_series = {_parsed(series): count(series) for series in SERIES}
    for family, names in by_family.items():
        yield _histogram(family, of_series, names) if names[0].part else _counter(family, of_series, names)


def _parsed(series: str) -> _Name:
    family, _, labels = series.partition("{")
    part = next((part for part in ("_bucket", "_sum") if family.endswith(part)), "")
    return _Name(family.removesuffix(part), part, tuple(_LABEL.findall(labels)))


def _counter(family: str, values: Mapping[_Name, int], names: list[_Name]) -> Metric:
    metric = CounterMetricFamily(family, MEANINGS[family], labels=[label for label, _ in names[0].labels])
    unit = NANOSECONDS if family.endswith("_seconds_total") else 1
    for name in names:
        metric.add_metric([value for _, value in name.labels], values[name] / unit)
    return metric


def _histogram(family: str, values: Mapping[_Name, int], names: list[_Name]) -> Metric:
    sums = [name for name in names if name.part == "_sum"]
    metric = HistogramMetricFamily(family, MEANINGS[family], labels=[label for label, _ in sums[0].labels])
    for of in sums:
        buckets = [name for name in names if name.part == "_bucket" and name.labels[:-1] == of.labels]
        bounds = [name.labels[-1][1] for name in buckets]
        counts = map(float, accumulate(values[name] for name in buckets))
        metric.add_metric(
            [value for _, value in of.labels], list(zip(bounds, counts, strict=True)), values[of] / NANOSECONDS
        )
    return metric


def _of_nginx(count: Count) -> Iterator[Metric]:
    by = CounterMetricFamily(NGINX_REQUESTS, MEANINGS[NGINX_REQUESTS], labels=["answered_by"])
    for answerer in ANSWERERS:
        by.add_metric([answerer], count(answered(answerer)))
    statuses = CounterMetricFamily(NGINX_RESPONSES, MEANINGS[NGINX_RESPONSES], labels=["status"])
    for status in STATUSES:
        statuses.add_metric([status], count(f'{NGINX_RESPONSES}{{status="{status}"}}'))
    requests = sum(count(answered(answerer)) for answerer in ANSWERERS)
    yield from (by, statuses)
    yield CounterMetricFamily("nginx_http_requests_total", "Requests to nginx.", value=requests)


def _of_now(collector: Collector, invalidations: int) -> Iterator[Metric]:
    up = GaugeMetricFamily("overview_instance_up", "Whether an instance responds.", labels=["instance"])
    info = GaugeMetricFamily("overview_build_info", "1 for each version that runs.", labels=["version"])
    seen = collector.seen
    for address, state in seen.instances.items():
        up.add_metric([address], state.is_up)
    for version in sorted({state.version for state in seen.instances.values() if state.is_up}):
        info.add_metric([version], 1)
    yield from (up, info)
    yield CounterMetricFamily(INVALIDATIONS, "Invalidations recorded in the outbox.", value=invalidations)
    redis, postgres = seen.redis, seen.postgres
    yield _gauge("overview_redis_up", "Whether Redis responds.", redis is not None)
    yield _gauge("overview_postgres_up", "Whether Postgres responds.", postgres is not None)
    yield _gauge(
        "overview_outbox_oldest_seconds",
        "Age of the oldest pending invalidation; NaN without Postgres.",
        postgres.oldest_seconds if postgres else nan,
    )
    yield _gauge(
        "overview_outbox_rows", "Pending invalidations; NaN without Postgres.", postgres.rows if postgres else nan
    )
    yield _gauge(
        "overview_silent_listeners",
        "How often notifications did not reach the listening invalidator; NaN without Redis.",
        redis.silent_listeners if redis else nan,
    )


def _of_redis(redis: RedisState) -> Iterator[Metric]:
    for name, meaning, said in (
        ("redis_keyspace_hits_total", "Look-ups that found a key.", "keyspace_hits"),
        ("redis_keyspace_misses_total", "Look-ups that found none.", "keyspace_misses"),
        ("redis_evicted_keys_total", "Keys evicted for want of memory.", "evicted_keys"),
        ("redis_expired_keys_total", "Keys that expired.", "expired_keys"),
        ("redis_commands_processed_total", "Commands carried out.", "total_commands_processed"),
    ):
        yield CounterMetricFamily(name, meaning, value=redis.number(said))
    for name, meaning, said in (
        ("redis_memory_used_bytes", "Memory in use.", "used_memory"),
        ("redis_memory_max_bytes", "Limit of memory; 0 for none.", "maxmemory"),
        ("redis_connected_clients", "Clients connected.", "connected_clients"),
        ("redis_uptime_in_seconds", "Time since it started.", "uptime_in_seconds"),
    ):
        yield _gauge(name, meaning, redis.number(said))
    keys = GaugeMetricFamily("redis_db_keys", "Keys by database.", labels=["db"])
    for database, count in redis.keys_by_database().items():
        keys.add_metric([database], count)
    about = {label: redis.said.get(label, "") for label in ("redis_version", "role", "maxmemory_policy")}
    yield keys
    yield InfoMetricFamily("redis_instance", "What Redis runs here.", value=about)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


class _These(Registered):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _text(families: list[Metric]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_These(families))
    return generate_latest(registry)
