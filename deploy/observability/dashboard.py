"""The Grafana dashboard: ``python -m deploy.observability.dashboard > deploy/observability/grafana-dashboard.json``.

It keeps the rules of Grafana's dashboard-linter, among them: every selector has the variables ``job`` and ``instance``.
"""

import json
from dataclasses import dataclass
from typing import Any

_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH, _HEIGHT = 12, 8
_JOBS = ["overview", "overview-watch", "overview-redis"]


def of(metric: str, **labels: str) -> str:
    """A selector of what is chosen on the dashboard; ``labels`` are regular expressions."""
    chosen = {"job": "$job", "instance": "$instance", **labels}
    return metric + "{" + ", ".join(f'{name}=~"{value}"' for name, value in chosen.items()) + "}"


def rate(metric: str, by: str = "", **labels: str) -> str:
    """Events per second, summed but for the labels in ``by``."""
    return f"sum{f' by ({by})' if by else ''} (rate({of(metric, **labels)}[$__rate_interval]))"


def quantile(share: float, histogram: str, by: str = "") -> str:
    """A quantile of a histogram in seconds, for each of the labels in ``by``."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', f'{by}, le' if by else 'le')})"


def quantiles(histogram: str, name: str, by: str = "") -> tuple[tuple[str, str], ...]:
    """The targets p50 and p99."""
    return tuple((quantile(share, histogram, by), f"{name} {label}") for share, label in ((0.5, "p50"), (0.99, "p99")))


def hit_rate(by: str = "") -> str:
    """Share of documents that came from Redis, fresh or stale."""
    return f"{rate('overview_documents_total', by, outcome='hit|stale')} / {rate('overview_documents_total', by)}"


@dataclass(frozen=True)
class Panel:
    """A time series panel; ``targets`` are pairs of an expression and its legend."""

    title: str
    description: str
    unit: str
    targets: tuple[tuple[str, str], ...]
    is_stacked: bool = False

    def as_json(self, number: int) -> dict[str, Any]:
        """The panel at its place: two in a row, in the order of PANELS."""
        custom = {"fillOpacity": 30, "stacking": {"mode": "normal"}} if self.is_stacked else {}
        place = {"x": number % 2 * _WIDTH, "y": number // 2 * _HEIGHT, "w": _WIDTH, "h": _HEIGHT}
        limits = {"min": 0, "max": 1} if self.unit == "percentunit" else {"min": 0}
        return {
            "id": number + 1,
            "type": "timeseries",
            "title": self.title,
            "description": self.description,
            "datasource": _DATASOURCE,
            "gridPos": place,
            "fieldConfig": {"defaults": {"unit": self.unit, **limits, "custom": custom}, "overrides": []},
            "options": {"legend": {"placement": "right"}, "tooltip": {"mode": "multi"}},
            "targets": [
                {"refId": chr(ord("A") + place), "datasource": _DATASOURCE, "expr": expression, "legendFormat": legend}
                for place, (expression, legend) in enumerate(self.targets)
            ],
        }


PANELS = (
    Panel(
        "Hit rate",
        "Share of documents that came from Redis, fresh or stale, by kind. Falls after a load of the catalogue.",
        "percentunit",
        ((hit_rate("kind"), "{{kind}}"), (hit_rate(), "all")),
    ),
    Panel(
        "Documents by outcome",
        "Documents per second: hit and stale from Redis, miss from Postgres, bypass from Postgres without Redis.",
        "ops",
        ((rate("overview_documents_total", "outcome"), "{{outcome}}"),),
        is_stacked=True,
    ),
    Panel(
        "Duration of reads",
        "By the worst outcome of the documents in a response, as measured by the instances.",
        "s",
        quantiles("overview_answer_seconds", "{{outcome}}", "outcome"),
    ),
    Panel(
        "Requests by path and status",
        "Responses of the instances. The fast path answers in the event loop, the slow path in Flask.",
        "reqps",
        ((rate("overview_requests_total", "path, status"), "{{path}} {{status}}"),),
        is_stacked=True,
    ),
    Panel(
        "Requests to nginx by who answered",
        "From nginx' access log: the micro-cache, an instance, the old API, or nginx itself (429, 503).",
        "reqps",
        ((rate("overview_nginx_requests_total", "answered_by"), "{{answered_by}}"),),
        is_stacked=True,
    ),
    Panel(
        "Responses of nginx by status",
        "From nginx' access log; 429 is a client or a cart beyond its rate.",
        "reqps",
        ((rate("overview_nginx_responses_total", "status"), "{{status}}"),),
        is_stacked=True,
    ),
    Panel(
        "Calls to the stores",
        "Duration of round trips from the event loop to Redis and to Postgres.",
        "s",
        (
            *quantiles("overview_redis_call_seconds", "Redis"),
            *quantiles("overview_postgres_call_seconds", "Postgres"),
        ),
    ),
    Panel(
        "Fills",
        "Documents offered to Redis after a miss. Refused: an invalidation came between, or Redis was emptied.",
        "ops",
        ((rate("overview_fills_total", "outcome"), "{{outcome}}"),),
    ),
    Panel(
        "Reads of replicas",
        "Served by a replica, or left to the primary: replicas are behind or fail, or no position is known.",
        "ops",
        ((rate("overview_replica_reads_total", "outcome"), "{{outcome}}"),),
        is_stacked=True,
    ),
    Panel(
        "Lag of replicas",
        "Age of the last commit that each has replayed; 0 if it lacks none.",
        "s",
        ((f"max by (replica) ({of('overview_replica_lag_seconds')})", "{{replica}}"),),
    ),
    Panel(
        "Loads",
        "Queries for misses, and documents wanted from Postgres: in a load of their own, or shared with one in flight.",
        "ops",
        (
            (rate("overview_loads_total"), "queries"),
            (rate("overview_load_keys_total", "how"), "documents, {{how}}"),
        ),
    ),
    Panel(
        "Connections to Postgres",
        "Mean number of busy connections and of calls that wait for one, over all instances; the size of the pools.",
        "none",
        (
            (rate("overview_pool_busy_seconds_total"), "busy"),
            (rate("overview_pool_wait_seconds_total"), "calls waiting"),
            (f"sum ({of('overview_pool_connections')})", "size"),
        ),
    ),
    Panel(
        "Invalidations",
        "Rows of the outbox per second, and how many are pending.",
        "none",
        (
            (rate("overview_invalidations_total"), "per second"),
            (f"max ({of('overview_outbox_rows')})", "pending"),
        ),
    ),
    Panel(
        "Lag of the invalidations",
        "Age of the oldest pending invalidation. Should stay below a second: docs/freshness.md.",
        "s",
        ((f"max ({of('overview_outbox_oldest_seconds')})", "oldest"),),
    ),
    Panel(
        "Shadow verification",
        "Hits verified against Postgres in the background, if CACHE_SHADOW_PERCENT is set. Wrong must stay 0.",
        "ops",
        ((rate("overview_shadow_total", "outcome"), "{{outcome}}"),),
    ),
    Panel(
        "Circuit breaker of Redis",
        "Share of the time in which an instance bypassed Redis.",
        "percentunit",
        ((rate("overview_breaker_open_seconds_total", "instance, part"), "{{part}} at {{instance}}"),),
    ),
    Panel(
        "Additions to carts",
        "By outcome; replayed: repeated with the same Idempotency-Key.",
        "ops",
        ((rate("overview_cart_additions_total", "outcome"), "{{outcome}}"),),
        is_stacked=True,
    ),
    Panel(
        "Duration of additions to carts",
        "From the request's arrival to its response, the wait for a batch included.",
        "s",
        quantiles("overview_cart_addition_seconds", "additions"),
    ),
    Panel(
        "Memory of Redis",
        "Used, and its limit where it has one.",
        "bytes",
        (
            (f"max ({of('redis_memory_used_bytes')})", "used"),
            (f"max ({of('redis_memory_max_bytes')} > 0)", "limit"),
        ),
    ),
    Panel(
        "Keys that Redis dropped",
        "Evicted for want of memory, expired by their TTL.",
        "ops",
        (
            (rate("redis_evicted_keys_total"), "evicted"),
            (rate("redis_expired_keys_total"), "expired"),
        ),
    ),
    Panel(
        "Hit rate as Redis counts it",
        "All keys, those of other clients and checks of the epoch included; compare with the hit rate of documents.",
        "percentunit",
        (
            (
                f"{rate('redis_keyspace_hits_total')} / "
                f"({rate('redis_keyspace_hits_total')} + {rate('redis_keyspace_misses_total')})",
                "Redis",
            ),
            (hit_rate(), "documents"),
        ),
    ),
    Panel(
        "What responds",
        "1 for each instance, Postgres and server of Redis that responds to the watch process.",
        "none",
        (
            (f"max by (exported_instance) ({of('overview_instance_up')})", "{{exported_instance}}"),
            (f"max by (server) ({of('overview_redis_server_up')})", "{{server}}"),
            (f"max ({of('overview_postgres_up')})", "Postgres"),
        ),
    ),
)


def _variable(name: str, query: str, chosen: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.title(),
        "type": "query",
        "datasource": _DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": chosen, "value": chosen},
    }


def dashboard() -> dict[str, Any]:
    """The whole dashboard, as Grafana imports it."""
    source = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    jobs = _variable("job", 'label_values({__name__=~"overview_build_info|redis_up"}, job)', _JOBS)
    instances = _variable("instance", 'label_values(up{job=~"$job"}, instance)', ["$__all"])
    return {
        "id": None,
        "uid": "product-overview",
        "title": "Product Overview",
        "description": "The cache, the service before it and the stores behind it.",
        "tags": ["product-overview"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "templating": {"list": [source, jobs, instances]},
        "panels": [panel.as_json(number) for number, panel in enumerate(PANELS)],
    }


if __name__ == "__main__":
    print(json.dumps(dashboard(), indent=1))
