"""The charts: what each shows, and how its values are made of the counts of a span."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from service.metrics import series
from service.metrics.series import ERROR, KINDS, NANOSECONDS, OUTCOMES
from service.watch import figures
from service.watch.series import (
    ANSWERERS,
    INVALIDATIONS,
    LAG_NANOSECONDS,
    NGINX_REQUESTS,
    REDIS_EVICTED,
    REDIS_EXPIRED,
    REDIS_HITS,
    REDIS_LIMIT,
    REDIS_MISSES,
    REDIS_USED,
    of,
)
from service.watch.spans import Span, ratio

Value = Callable[[Span], float | None]


class Chart(NamedTuple):
    """A chart: ``unit`` is share, per_second, seconds, bytes or count; ``form`` is lines or stack.

    Values of a span in which nobody looked at their source are None.
    """

    title: str
    unit: str
    form: str
    series: Mapping[str, Value]

    def described(self, chart_id: str) -> dict[str, Any]:
        """What a page needs to draw it."""
        return {
            "id": chart_id,
            "title": self.title,
            "unit": self.unit,
            "form": self.form,
            "series": list(self.series),
        }


def _reported(value: Value) -> Value:
    """Of the instances."""
    return lambda span: value(span) if span.is_reported else None


def _watched(value: Value) -> Value:
    """Of nginx and the stores."""
    return lambda span: value(span) if span.is_watched else None


def _per_second(some: Iterable[str]) -> Value:
    return lambda span: span.per_second(some)


def _count(some: Iterable[str]) -> Value:
    return lambda span: span.sum(some)


def _largest(gauge: str) -> Value:
    return lambda span: span.largest(gauge)


def _rate(kind: str) -> Value:
    return lambda span: figures.rate(span.count, kind)


def _answers(outcome: str) -> Value:
    return _reported(lambda span: figures.answers_per_second(span, outcome))


def _latency(outcome: str, share: float) -> Value:
    return lambda span: span.quantile(share, series.ANSWERS, outcome=outcome)


def _redis_own(span: Span) -> float | None:
    hits, misses = span.count(REDIS_HITS), span.count(REDIS_MISSES)
    return ratio(hits, hits + misses)


def _lag(span: Span) -> float | None:
    largest = span.largest(LAG_NANOSECONDS)
    return None if largest is None else largest / NANOSECONDS


def _limit(span: Span) -> int | None:
    """None without a limit, which Redis calls 0."""
    return span.largest(REDIS_LIMIT) or None


def _open(span: Span) -> float:
    """How many at the same time, on average."""
    return span.per_second(of(series.BREAKER_OPEN)) / NANOSECONDS


CHARTS: dict[str, Chart] = {
    "rate": Chart(
        "Documents from Redis, by kind", "share", "lines", {kind: _rate(kind) for kind in (*KINDS, figures.ALL)}
    ),
    "traffic": Chart(
        "Answers with documents, by outcome",
        "per_second",
        "stack",
        {outcome: _answers(outcome) for outcome in (*OUTCOMES, ERROR)},
    ),
    "latency": Chart(
        "Duration of answers, by outcome",
        "seconds",
        "lines",
        {
            "hit p50": _latency("hit", 0.5),
            "hit p99": _latency("hit", 0.99),
            "miss p50": _latency("miss", 0.5),
            "miss p99": _latency("miss", 0.99),
            "stale p99": _latency("stale", 0.99),
        },
    ),
    "nginx": Chart(
        "Requests to nginx, by who answered",
        "per_second",
        "stack",
        {answerer: _watched(_per_second(of(NGINX_REQUESTS, answered_by=answerer))) for answerer in ANSWERERS},
    ),
    "memory": Chart("Memory of Redis", "bytes", "lines", {"used": _largest(REDIS_USED), "limit": _limit}),
    "redis_rate": Chart(
        "Hit rate: of documents, and Redis' own",
        "share",
        "lines",
        {"ours": _rate(figures.ALL), "Redis' own": _redis_own},
    ),
    "redis_keys": Chart(
        "Keys that Redis dropped",
        "per_second",
        "lines",
        {
            "evictions": _watched(_per_second([REDIS_EVICTED])),
            "expirations": _watched(_per_second([REDIS_EXPIRED])),
        },
    ),
    "fills": Chart(
        "Documents read from Postgres, and stored in Redis",
        "per_second",
        "lines",
        {what: _reported(_per_second(figures.FILLS[what])) for what in ("stored", "refused", "shared", "loads")},
    ),
    "invalidations": Chart(
        "Invalidations", "per_second", "lines", {"invalidations": _watched(_per_second([INVALIDATIONS]))}
    ),
    "lag": Chart("Age of the oldest pending invalidation", "seconds", "lines", {"oldest": _lag}),
    "shadow": Chart(
        "Hits verified against Postgres, by result",
        "count",
        "lines",
        {result: _reported(_count(of(series.SHADOW, outcome=result))) for result in figures.SHADOW},
    ),
    "pool": Chart(
        "Connections to Postgres: busy, and waits for one a second",
        "count",
        "lines",
        {"busy": _reported(figures.busy), "waits": _reported(_per_second(of(series.POOL_WAITS)))},
    ),
    "breakers": Chart("Instances with an open circuit breaker of Redis", "count", "lines", {"open": _reported(_open)}),
    "carts": Chart(
        "Additions to carts, by outcome",
        "per_second",
        "lines",
        {outcome: _reported(_per_second(of(series.ADDITIONS, outcome=outcome))) for outcome in figures.CARTS},
    ),
    "batch": Chart("Additions to carts in one batch", "count", "lines", {"mean": figures.batch_size}),
}
