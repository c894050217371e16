"""The metrics of the whole service, and of Redis, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector as Registered

from service.metrics.series import FAMILIES
from service.watch.collector import Collector
from service.watch.events import Seen
from service.watch.series import INVALIDATIONS, NGINX_REQUESTS, NGINX_RESPONSES
from service.watch.stores import RedisState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def metrics(collector: Collector) -> bytes:
    """The sums over all instances, which do not fall, and how the parts are now."""
    with collector.history.lock:
        totals = collector.history.totals.copy()
    counted = [family.metric(totals) for family in (*FAMILIES, NGINX_REQUESTS, NGINX_RESPONSES)]
    requests = sum(totals[series] for series in NGINX_REQUESTS.series())
    return _text(
        [
            *counted,
            CounterMetricFamily("nginx_http_requests_total", "Requests to nginx.", value=requests),
            CounterMetricFamily(INVALIDATIONS, "Invalidations recorded in the outbox.", value=totals[INVALIDATIONS]),
            *_of_now(collector),
        ]
    )


def metrics_of_redis(collector: Collector) -> bytes:
    """What all masters of Redis say of themselves together, by the names that Prometheus' exporter for Redis has."""
    redis = collector.seen.redis
    return _text(
        [_gauge("redis_up", "Whether Redis responds.", redis is not None), *(_of_redis(redis) if redis else ())]
    )


def _of_now(collector: Collector) -> Iterator[Metric]:
    up = GaugeMetricFamily("overview_instance_up", "Whether an instance responds.", labels=["instance"])
    info = GaugeMetricFamily("overview_build_info", "1 for each version that runs.", labels=["version"])
    seen = collector.seen
    for address, state in seen.instances.items():
        up.add_metric([address], state.is_up)
    for version in sorted({state.version for state in seen.instances.values() if state.is_up}):
        info.add_metric([version], 1)
    yield from (up, info)
    yield from _of_replicas(seen)
    redis, postgres = seen.redis, seen.postgres
    yield _gauge("overview_redis_up", "Whether a server of Redis responds.", redis is not None)
    yield _of_servers(redis)
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
        nan if redis is None or redis.silent_listeners is None else redis.silent_listeners,
    )


def _of_servers(redis: RedisState | None) -> Metric:
    up = GaugeMetricFamily("overview_redis_server_up", "Whether a server of Redis responds.", labels=["server"])
    for name, server in (redis.servers if redis else {}).items():
        up.add_metric([name], server is not None)
    return up


def _of_replicas(seen: Seen) -> Iterator[Metric]:
    """With no replicas none of them has a sample."""
    up, lag_bytes, lag_seconds = (
        GaugeMetricFamily(name, meaning, labels=["replica"])
        for name, meaning in (
            ("overview_replica_up", "Whether a replica of Postgres responds, and is one."),
            ("overview_replica_lag_bytes", "Log of the primary that it has not replayed; NaN without it."),
            (
                "overview_replica_lag_seconds",
                "Age of the last commit that it replayed, 0 if it lacks none; NaN without it.",
            ),
        )
    )
    for address, lag in seen.lags.items():
        up.add_metric([address], lag is not None)
        lag_bytes.add_metric([address], lag.lag_bytes if lag else nan)
        lag_seconds.add_metric([address], lag.lag_seconds if lag else nan)
    yield from (up, lag_bytes, lag_seconds)


def _of_redis(redis: RedisState) -> Iterator[Metric]:
    for name, meaning, said in (
        ("redis_keyspace_hits_total", "Look-ups that found a key.", "keyspace_hits"),
        ("redis_keyspace_misses_total", "Look-ups that found none.", "keyspace_misses"),
        ("redis_evicted_keys_total", "Keys evicted for want of memory.", "evicted_keys"),
        ("redis_expired_keys_total", "Keys that expired.", "expired_keys"),
        ("redis_commands_processed_total", "Commands carried out.", "total_commands_processed"),
    ):
        yield CounterMetricFamily(name, meaning, value=redis.sum(said))
    for name, meaning, said in (
        ("redis_memory_used_bytes", "Memory in use.", "used_memory"),
        ("redis_memory_max_bytes", "Limit of memory; 0 for none.", "maxmemory"),
        ("redis_connected_clients", "Clients connected.", "connected_clients"),
    ):
        yield _gauge(name, meaning, redis.sum(said))
    yield _gauge("redis_uptime_in_seconds", "Time since it started.", redis.uptime_seconds)
    keys = GaugeMetricFamily("redis_db_keys", "Keys by database.", labels=["db"])
    for database, count in redis.keys_by_database().items():
        keys.add_metric([database], count)
    about = {label: redis.words(label) for label in ("redis_version", "role", "maxmemory_policy")}
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
