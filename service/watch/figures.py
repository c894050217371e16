"""Figures of a span of time: documents by kind and outcome, tiers, fills, carts."""

from __future__ import annotations

from typing import Any

from service.metrics.series import BOUNDS, ERROR, KINDS, OUTCOMES, counters, name
from service.watch.quantiles import quantile
from service.watch.series import (
    ANSWERERS,
    NGINX_BOUNDS,
    NGINX_BUCKETS,
    NGINX_RESPONSES,
    NGINX_SECONDS,
    STATUSES,
    answered,
)
from service.watch.spans import NANOSECONDS, Count, Span, ratio

Figures = dict[str, Any]

ALL = "all"
FAST = counters("overview_requests_total", path=("fast",), status=("2xx", "3xx", "4xx", "5xx"))
SLOW = counters("overview_requests_total", path=("slow",), status=("2xx", "3xx", "4xx", "5xx"))
CARTS = ("made", "replayed", "refused", "unavailable")
SHADOW = ("equal", "allowed-stale", "wrong")
FILLS = {
    "stored": name("overview_fills_total", outcome="stored"),
    "refused": name("overview_fills_total", outcome="refused"),
    "loads": name("overview_loads_total"),
    "own": name("overview_load_keys_total", how="own"),
    "shared": name("overview_load_keys_total", how="shared"),
}


def documents(kind: str, *outcomes: str) -> list[str]:
    """The series of the documents of a kind, or of all kinds, with one of these outcomes."""
    return counters("overview_documents_total", kind=KINDS if kind == ALL else (kind,), outcome=outcomes)


def rate(count: Count, kind: str) -> float | None:
    """The share of a kind's documents that came from Redis; None without documents."""
    return ratio(sum(map(count, documents(kind, "hit", "stale"))), sum(map(count, documents(kind, *OUTCOMES))))


def of_kind(count: Count, kind: str, seconds: float) -> Figures:
    """Documents of a kind by outcome, their rate, and how many a second."""
    of = {outcome: sum(map(count, documents(kind, outcome))) for outcome in OUTCOMES}
    return {**of, "rate": rate(count, kind), "per_second": ratio(sum(of.values()), seconds) or 0.0}


def outcomes(span: Span) -> Figures:
    """Answers with documents by their outcome: how many a second, and how long they took."""
    return {outcome: _answers(span, outcome) for outcome in (*OUTCOMES, ERROR)}


def _answers(span: Span, outcome: str) -> Figures:
    buckets = span.buckets("overview_answer_seconds", BOUNDS, outcome=outcome)
    return {
        "per_second": ratio(sum(buckets), span.seconds) or 0.0,
        "p50": span.quantile(0.5, "overview_answer_seconds", outcome=outcome),
        "p99": span.quantile(0.99, "overview_answer_seconds", outcome=outcome),
    }


def tiers(span: Span, nginx_is_counted: bool) -> list[Figures]:
    """How far requests came: what each tier was asked and answered itself."""
    errors = sum(span.buckets("overview_answer_seconds", BOUNDS, outcome=ERROR)) / (span.seconds or 1)
    missed = span.per_second(*documents(ALL, "miss", "bypass"))
    found = span.per_second(*documents(ALL, "hit", "stale"))
    return [
        _nginx_tier(span) if nginx_is_counted else _tier("nginx", None, None, is_counted=False),
        _tier("fast path", span.per_second(*FAST, *SLOW), span.per_second(*FAST)),
        _tier("Redis", found + missed, found, *_quantiles(span, "overview_redis_call_seconds")),
        _tier("Postgres", missed + errors, missed, *_quantiles(span, "overview_postgres_call_seconds")),
    ]


def _nginx_tier(span: Span) -> Figures:
    asked, by_cache = span.per_second(*map(answered, ANSWERERS)), span.per_second(answered("cache"))
    return _tier("nginx", asked, by_cache, *nginx_quantiles(span, "cache"))


def _tier(
    tier: str,
    asked: float | None,
    answers: float | None,
    p50: float | None = None,
    p99: float | None = None,
    *,
    is_counted: bool = True,
) -> Figures:
    return {
        "name": tier,
        "is_counted": is_counted,
        "asked_per_second": asked,
        "answered_per_second": answers,
        "share": ratio(answers or 0.0, asked or 0.0),
        "p50": p50,
        "p99": p99,
    }


def _quantiles(span: Span, family: str) -> tuple[float | None, float | None]:
    return span.quantile(0.5, family), span.quantile(0.99, family)


def nginx_quantiles(span: Span, *answerers: str) -> tuple[float | None, float | None]:
    """Median and 99th percentile of requests to nginx that one of these answered, from the lines that were read."""
    each = [span.buckets(NGINX_SECONDS, NGINX_BOUNDS, answered_by=answerer) for answerer in answerers]
    counts = [sum(bucket) for bucket in zip(*each, strict=True)]
    return quantile(0.5, NGINX_BUCKETS, counts), quantile(0.99, NGINX_BUCKETS, counts)


def nginx(span: Span) -> Figures:
    """Requests to nginx: by whom they were answered, and with which status."""
    p50, p99 = nginx_quantiles(span, *ANSWERERS)
    return {
        "per_second": span.per_second(*map(answered, ANSWERERS)),
        "by": {answerer: span.per_second(answered(answerer)) for answerer in ANSWERERS},
        "statuses": {status: span.per_second(name(NGINX_RESPONSES, status=status)) for status in STATUSES},
        "p50": p50,
        "p99": p99,
        "is_sampled": True,
    }


def carts(span: Span) -> Figures:
    """Additions to carts a second by outcome, how many one batch has, and how long they took."""
    p50, p99 = _quantiles(span, "overview_cart_addition_seconds")
    by = {outcome: span.per_second(name("overview_cart_additions_total", outcome=outcome)) for outcome in CARTS}
    return {**by, "batch_size": batch_size(span), "p50": p50, "p99": p99}


def batch_size(span: Span) -> float | None:
    """How many additions to carts one batch has on average."""
    additions = sum(span.buckets("overview_cart_addition_seconds", BOUNDS))
    return ratio(additions, span.count("overview_cart_batches_total"))


def fills(span: Span) -> Figures:
    """Documents stored in and refused by Redis, queries for misses, and documents wanted from them, a second."""
    return {what: span.per_second(series) for what, series in FILLS.items()}


def shadow(span: Span, count: Count) -> Figures:
    """Verified hits of the span by result; and the wrong ones ever."""
    by = {result: span.count(name("overview_shadow_total", outcome=result)) for result in SHADOW}
    return {**by, "wrong_total": count(name("overview_shadow_total", outcome="wrong"))}


def pool(span: Span, size: int) -> Figures:
    """Connections to Postgres: how many were busy on average, and how often and long one was waited for."""
    waited = span.count("overview_pool_wait_seconds_total") / NANOSECONDS
    return {
        "size": size,
        "busy_mean": span.per_second("overview_pool_busy_seconds_total") / NANOSECONDS,
        "waits_per_second": span.per_second("overview_pool_waits_total"),
        "wait_seconds_mean": ratio(waited, span.count("overview_pool_waits_total")),
    }
