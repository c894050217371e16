"""What an instance keeps a history of: each series by the name that Prometheus' text format would give it.

Histograms are kept by bucket, each for its own range, not cumulative; what is in seconds is kept in nanoseconds.
"""

from __future__ import annotations

KINDS = ("product", "styles", "related", "card")
OUTCOMES = ("hit", "stale", "miss", "bypass")
ERROR = "error"

BUCKETS = (5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of a histogram's buckets in seconds; one without a bound follows."""

BOUNDS = (*map(str, BUCKETS), "+Inf")


def name(family: str, **labels: str) -> str:
    """The name of a series: its family, with the labels in the order given."""
    shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{family}{{{shown}}}" if shown else family


def counters(family: str, **labels: tuple[str, ...]) -> list[str]:
    """One for each combination of the values of one or two labels."""
    names: list[dict[str, str]] = [{}]
    for label, values in labels.items():
        names = [{**before, label: value} for before in names for value in values]
    return [name(family, **each) for each in names]


def histogram(family: str, **labels: str) -> list[str]:
    """A histogram's buckets and, last, the sum of its durations."""
    return [*(name(f"{family}_bucket", **labels, le=bound) for bound in BOUNDS), name(f"{family}_sum", **labels)]


SERIES: tuple[str, ...] = (
    *counters("overview_documents_total", kind=KINDS, outcome=OUTCOMES),
    *(each for outcome in (*OUTCOMES, ERROR) for each in histogram("overview_answer_seconds", outcome=outcome)),
    *histogram("overview_redis_call_seconds"),
    *histogram("overview_postgres_call_seconds"),
    *histogram("overview_cart_addition_seconds"),
    *counters("overview_requests_total", path=("fast", "slow"), status=("2xx", "3xx", "4xx", "5xx")),
    *counters("overview_fills_total", outcome=("stored", "refused")),
    *counters("overview_loads_total"),
    *counters("overview_load_keys_total", how=("own", "shared")),
    *counters("overview_shadow_total", outcome=("equal", "allowed-stale", "wrong")),
    *counters("overview_pool_busy_seconds_total"),
    *counters("overview_pool_waits_total"),
    *counters("overview_pool_wait_seconds_total"),
    *counters("overview_breaker_openings_total", part=("redis",)),
    *counters("overview_breaker_open_seconds_total", part=("redis",)),
    *counters("overview_cart_additions_total", outcome=("made", "replayed", "refused", "unavailable")),
    *counters("overview_cart_batches_total"),
)
