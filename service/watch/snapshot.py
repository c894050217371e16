"""The state of everything as one JSON document: ``/dashboard.json``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from service.metrics.series import KINDS
from service.watch import figures, redis_figures
from service.watch.collector import Collector
from service.watch.events import Event, Seen
from service.watch.fleet import InstanceState
from service.watch.instances import Listed
from service.watch.series import INVALIDATIONS
from service.watch.spans import Span, ratio
from service.watch.windows import NOW, TOTAL, WINDOWS, span_of

Json = dict[str, Any]

_MOST_EVENTS, _MOST_LISTED = 100, 10
_IN_WORDS = {"1m": "the last minute", "5m": "the last five minutes", "1h": "the last hour", "24h": "the last 24 hours"}


def snapshot(collector: Collector, window: str) -> Json:
    """The state up to the last complete second; what is not said to be of a window is of ``window``."""
    with collector.history.lock:
        at, history = collector.time, collector.history
        span = span_of(history, window, at)
        found: Json = {
            "time": at,
            "window": window,
            "watching_since": collector.watching_since,
            "kinds": _kinds(collector, at),
            "outcomes": figures.outcomes(span),
            "tiers": figures.tiers(span, nginx_is_counted=collector.seen.nginx == "counted"),
            "instances": [_instance(collector, *each) for each in collector.seen.instances.items()],
            "redis": redis_figures.redis(collector.seen.redis, span),
            "postgres": _postgres(collector, span),
            "nginx": _nginx(collector, span),
            "hottest": hottest(collector),
            "missed": missed(collector),
            "carts": figures.carts(span),
            "fills": figures.fills(span),
            "shadow": figures.shadow(span, history.totals.__getitem__),
            "pool": figures.pool(span, _connections(collector)),
            "events": events(collector.storage.events()[-_MOST_EVENTS:]),
        }
    return {**found, "sentence": _sentence(found)}


def events(some: Iterable[Event]) -> list[Json]:
    """Events as the page has them."""
    return [event._asdict() for event in some]


def _kinds(collector: Collector, at: int) -> Json:
    history = collector.history
    spans = {window: span_of(history, window, at) for window in (NOW, *WINDOWS)}
    started = [state.report.started for state in collector.seen.instances.values() if state.report]
    lifetime = max(1.0, at - min(started, default=at))
    return {
        kind: {
            TOTAL: figures.of_kind(history.totals.__getitem__, kind, lifetime),
            **{window: figures.of_kind(span.count, kind, span.seconds) for window, span in spans.items()},
        }
        for kind in (*KINDS, figures.ALL)
    }


def _instance(collector: Collector, address: str, state: InstanceState) -> Json:
    gauges = state.report.gauges if state.report else {}
    seconds, counted = collector.fleet.rates(address)
    return {
        "address": address,
        "state": "up" if state.is_up else "silent",
        "since": state.report.started if state.report else None,
        "version": state.version,
        "worker": state.worker,
        "per_second": ratio(counted.requests, seconds),
        "rate": ratio(counted.from_redis, counted.documents),
        "errors_per_second": ratio(counted.errors, seconds),
        "breaker_open": state.breaker_open,
        "connections": gauges.get("connections"),
        "connections_busy": gauges.get("connections_busy"),
        "last_seen": state.last_seen,
    }


def _postgres(collector: Collector, span: Span) -> Json:
    if (postgres := collector.seen.postgres) is None:
        return {"state": "down", "replicas": _replicas(collector.seen)}
    return {
        "state": "up",
        "outbox_rows": postgres.rows,
        "oldest_seconds": postgres.oldest_seconds,
        "invalidations_per_second": span.per_second([INVALIDATIONS]),
        "replicas": _replicas(collector.seen),
    }


def _replicas(seen: Seen) -> list[Json]:
    return [
        {"address": address, "state": "up", **lag._asdict()} if lag else {"address": address, "state": "down"}
        for address, lag in seen.lags.items()
    ]


def _nginx(collector: Collector, span: Span) -> Json:
    state = collector.seen.nginx
    return {"state": state, **(figures.nginx(span) if state == "counted" else {})}


def hottest(collector: Collector) -> list[Json]:
    """The documents that were asked for most in the last minute, at instances and at nginx' own cache."""
    found: Counter[tuple[str, int]] = Counter(collector.log.hottest())
    for state in _up(collector):
        found.update(_by_key(state.report.hottest if state.report else ()))
    return _listed(found)


def missed(collector: Collector) -> list[Json]:
    """The documents that were missed most in the last minute."""
    found: Counter[tuple[str, int]] = Counter()
    for state in _up(collector):
        found.update(_by_key(state.report.missed if state.report else ()))
    return _listed(found)


def _by_key(listed: Listed) -> dict[tuple[str, int], Any]:
    return {(kind, product_id): per_minute for kind, product_id, per_minute in listed}


def _listed(found: Counter[tuple[str, int]]) -> list[Json]:
    return [
        {"kind": kind, "id": product_id, "per_second": per_minute / 60}
        for (kind, product_id), per_minute in found.most_common(_MOST_LISTED)
    ]


def _up(collector: Collector) -> list[InstanceState]:
    return [state for state in collector.seen.instances.values() if state.is_up]


def _connections(collector: Collector) -> int:
    return sum(int(state.report.gauges.get("connections") or 0) for state in _up(collector) if state.report)


def _sentence(found: Json) -> str:
    window = found["window"]
    rate = found["kinds"][figures.ALL][window]["rate"]
    period = _IN_WORDS[window]
    first = f"No documents were served in {period}"
    if rate is not None:
        percent = math.floor(rate * 1000 + 1e-6) / 10  # rounded down: 100 % is said of all alone
        first = f"{percent:.1f} % of documents came from Redis in {period}"
    silent = [instance["address"] for instance in found["instances"] if instance["state"] == "silent"]
    count = len(found["instances"])
    second = f"{count - len(silent)} of {count} instances respond" + (f", not {', '.join(silent)}" if silent else "")
    return f"{first}; {second}; {_stores(found['redis']['state'], found['postgres']['state'])}."


def _stores(redis: str, postgres: str) -> str:
    if redis == postgres:
        return f"Redis and Postgres are {redis}"
    return f"Redis is {redis}, Postgres is {postgres}"
