"""Figures of a span of time: documents by kind and outcome, tiers, fills, carts."""

from __future__ import annotations

from typing import Any

from service.metrics import series
from service.metrics.series import ERROR, KINDS, NANOSECONDS, OUTCOMES, Family
from service.watch.quantiles import quantile
from service.watch.series import ANSWERERS, NGINX_REQUESTS, NGINX_RESPONSES, NGINX_SECONDS, STATUSES, buckets_of, of
from service.watch.spans import Count, Span, ratio

Figures = dict[str, Any]
Quantiles = tuple[float | None, float | None]

ALL = "all"
FROM_REDIS, FROM_POSTGRES = ("hit", "stale"), ("miss", "bypass")
CARTS = series.ADDITIONS.labels["outcome"]
SHADOW = series.SHADOW.labels["outcome"]
FILLS = {
    "stored": of(series.FILLS, outcome="stored"),
    "refused": of(series.FILLS, outcome="refused"),
    "loads": of(series.LOADS),
    "own": of(series.LOAD_KEYS, how="own"),
    "shared": of(series.LOAD_KEYS, how="shared"),
}


def documents(kind: str, outcomes: str | tuple[str, ...] = OUTCOMES) -> tuple[str, ...]:
    """The series of the documents of a kind, or of all kinds, with one of these outcomes."""
    return of(series.DOCUMENTS, kind=KINDS if kind == ALL else kind, outcome=outcomes)


def rate(count: Count, kind: str) -> float | None:
    """The share of a kind's documents that came from Redis; None without documents."""
    return ratio(sum(map(count, documents(kind, FROM_REDIS))), sum(map(count, documents(kind))))


def of_kind(count: Count, kind: str, seconds: float) -> Figures:
    """Documents of a kind by outcome, their rate, and how many a second."""
    by = {outcome: sum(map(count, documents(kind, outcome))) for outcome in OUTCOMES}
    return {**by, "rate": rate(count, kind), "per_second": ratio(sum(by.values()), seconds) or 0.0}


def outcomes(span: Span) -> Figures:
    """Answers with documents by their outcome: how many a second, and how long they took."""
    return {outcome: _answers(span, outcome) for outcome in (*OUTCOMES, ERROR)}


def answers_per_second(span: Span, outcome: str) -> float:
    """Answers with documents of which this is the worst outcome."""
    return span.per_second(buckets_of(series.ANSWERS, outcome=outcome))


def _answers(span: Span, outcome: str) -> Figures:
    p50, p99 = (span.quantile(share, series.ANSWERS, outcome=outcome) for share in (0.5, 0.99))
    return {"per_second": answers_per_second(span, outcome), "p50": p50, "p99": p99}


def tiers(span: Span, *, nginx_is_counted: bool) -> list[Figures]:
    """How far requests came: what each tier was asked, and answered itself."""
    requests = span.per_second(of(series.REQUESTS)), span.per_second(of(series.REQUESTS, path="fast"))
    found, missed = (span.per_second(documents(ALL, outcomes)) for outcomes in (FROM_REDIS, FROM_POSTGRES))
    failed = answers_per_second(span, ERROR)
    return [
        _of_nginx(span) if nginx_is_counted else _tier("nginx", None, None, is_counted=False),
        _tier("fast path", *requests, _quantiles(span, series.ANSWERS)),
        _tier("Redis", found + missed, found, _quantiles(span, series.REDIS_CALLS)),
        _tier("Postgres", missed + failed, missed, _quantiles(span, series.POSTGRES_CALLS)),
    ]


def _of_nginx(span: Span) -> Figures:
    asked, by_cache = span.per_second(of(NGINX_REQUESTS)), span.per_second(of(NGINX_REQUESTS, answered_by="cache"))
    return _tier("nginx", asked, by_cache, _quantiles(span, NGINX_SECONDS))


def _tier(
    name: str,
    asked: float | None,
    answered: float | None,
    quantiles: Quantiles = (None, None),
    *,
    is_counted: bool = True,
) -> Figures:
    p50, p99 = quantiles
    return {
        "name": name,
        "is_counted": is_counted,
        "asked_per_second": asked,
        "answered_per_second": answered,
        "share": ratio(answered or 0.0, asked or 0.0),
        "p50": p50,
        "p99": p99,
    }


def _quantiles(span: Span, family: Family) -> Quantiles:
    """Median and 99th percentile of all histograms of a family together."""
    each = [map(span.count, buckets_of(family, **labels)) for labels in family.combinations()]
    counts = [sum(bucket) for bucket in zip(*each, strict=True)]
    return quantile(0.5, series.BUCKETS, counts), quantile(0.99, series.BUCKETS, counts)


def nginx(span: Span) -> Figures:
    """Requests to nginx: by whom they were answered, and with which status."""
    p50, p99 = _quantiles(span, NGINX_SECONDS)
    return {
        "per_second": span.per_second(of(NGINX_REQUESTS)),
        "by": {answerer: span.per_second(of(NGINX_REQUESTS, answered_by=answerer)) for answerer in ANSWERERS},
        "statuses": {status: span.per_second(of(NGINX_RESPONSES, status=status)) for status in STATUSES},
        "p50": p50,
        "p99": p99,
        "is_sampled": True,
    }


def carts(span: Span) -> Figures:
    """Additions to carts a second by outcome, how many one batch has, and how long they took."""
    p50, p99 = _quantiles(span, series.ADDITIONS_ANSWERED)
    by = {outcome: span.per_second(of(series.ADDITIONS, outcome=outcome)) for outcome in CARTS}
    return {**by, "batch_size": batch_size(span), "p50": p50, "p99": p99}


def batch_size(span: Span) -> float | None:
    """How many additions to carts one batch has on average."""
    return ratio(span.sum(of(series.ADDITIONS)), span.sum(of(series.BATCHES)))


def fills(span: Span) -> Figures:
    """Documents stored in and refused by Redis, queries for misses, and documents wanted from them, a second."""
    return {what: span.per_second(counted) for what, counted in FILLS.items()}


def shadow(span: Span, total: Count) -> Figures:
    """Verified hits of the span by result; and the wrong ones ever."""
    by = {result: span.sum(of(series.SHADOW, outcome=result)) for result in SHADOW}
    return {**by, "wrong_total": sum(map(total, of(series.SHADOW, outcome="wrong")))}


def busy(span: Span) -> float:
    """Connections to Postgres in use, on average."""
    return span.per_second(of(series.POOL_BUSY)) / NANOSECONDS


def pool(span: Span, size: int) -> Figures:
    """Connections to Postgres: how many were busy on average, and how often and long one was waited for."""
    waits, waited = span.sum(of(series.POOL_WAITS)), span.sum(of(series.POOL_WAIT)) / NANOSECONDS
    return {
        "size": size,
        "busy_mean": busy(span),
        "waits_per_second": ratio(waits, span.seconds) or 0.0,
        "wait_seconds_mean": ratio(waited, waits),
    }
