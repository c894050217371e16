"""The families of metrics that instances keep a history of, each declared once, and the names of their series.

A series has the name that Prometheus' text format gives it. In memory, each bucket of a histogram counts its own range
only, and what is in seconds is counted in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, product
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

KINDS = ("product", "styles", "related", "card", "summary")
OUTCOMES = ("hit", "stale", "miss", "bypass")
ERROR = "error"
STATUSES = ("2xx", "3xx", "4xx", "5xx")

BUCKETS = (5e-05, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds of a histogram's buckets in seconds; one without a bound follows."""

BOUNDS = (*map(str, BUCKETS), "+Inf")
NANOSECONDS = 1_000_000_000


def name(family: str, **labels: str) -> str:
    """The name of a series: its family, with the labels in the order given."""
    shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{family}{{{shown}}}" if shown else family


def histogram(family: str, **labels: str) -> list[str]:
    """The series of one histogram: its buckets and, last, the sum of its durations."""
    return [*(name(f"{family}_bucket", **labels, le=bound) for bound in BOUNDS), name(f"{family}_sum", **labels)]


class Family(NamedTuple):
    """A counter, or a histogram of durations, with the values that each label can have."""

    name: str
    meaning: str
    labels: Mapping[str, tuple[str, ...]]
    is_histogram: bool = False

    def combinations(self) -> Iterator[dict[str, str]]:
        """The labels of each series, or of each histogram."""
        for values in product(*self.labels.values()):
            yield dict(zip(self.labels, values, strict=True))

    def series_of(self, labels: Mapping[str, str]) -> list[str]:
        """The names of the series with these labels: one, or those of a histogram."""
        return histogram(self.name, **labels) if self.is_histogram else [name(self.name, **labels)]

    def series(self) -> Iterator[str]:
        """The names of all series."""
        for labels in self.combinations():
            yield from self.series_of(labels)

    def metric(self, counts: Mapping[str, int]) -> Metric:
        """The family for Prometheus, from the values of its series; one without a value counts as 0."""
        if not self.is_histogram:
            unit = NANOSECONDS if self.name.endswith("_seconds_total") else 1
            counter = CounterMetricFamily(self.name, self.meaning, labels=list(self.labels))
            for labels in self.combinations():
                counter.add_metric(list(labels.values()), counts.get(name(self.name, **labels), 0) / unit)
            return counter
        whole = HistogramMetricFamily(self.name, self.meaning, labels=list(self.labels))
        for labels in self.combinations():
            add_histogram(whole, labels.values(), [counts.get(each, 0) for each in self.series_of(labels)])
        return whole


def add_histogram(family: HistogramMetricFamily, labels: Iterable[str], counts: list[int]) -> None:
    """Add one histogram, given as it is in memory; Prometheus' buckets are cumulative."""
    *buckets, nanoseconds = counts
    cumulative = zip(BOUNDS, map(float, accumulate(buckets)), strict=True)
    family.add_metric(list(labels), list(cumulative), nanoseconds / NANOSECONDS)


DOCUMENTS = Family("overview_documents_total", "Documents served.", {"kind": KINDS, "outcome": OUTCOMES})
ANSWERS = Family(
    "overview_answer_seconds",
    "Time to answer reads of documents, by the worst outcome of their documents, or error.",
    {"outcome": (*OUTCOMES, ERROR)},
    is_histogram=True,
)
REDIS_CALLS = Family("overview_redis_call_seconds", "Look-ups in Redis, of many documents each.", {}, is_histogram=True)
POSTGRES_CALLS = Family("overview_postgres_call_seconds", "Transactions in Postgres.", {}, is_histogram=True)
ADDITIONS_ANSWERED = Family("overview_cart_addition_seconds", "Time to answer POST /cart.", {}, is_histogram=True)
REQUESTS = Family(
    "overview_requests_total", "Requests, by the path in the worker.", {"path": ("fast", "slow"), "status": STATUSES}
)
FILLS = Family(
    "overview_fills_total", "Documents offered to the cache after a miss.", {"outcome": ("stored", "refused")}
)
REPLICA_READS = Family(
    "overview_replica_reads_total",
    "Reads with DATABASE_READ_URL set: served by a replica, or left to the primary because replicas are behind, fail, "
    "or have no position to reach.",
    {"outcome": ("served", "behind", "failed", "no-position")},
)
LOADS = Family("overview_loads_total", "Queries for documents that the cache did not have.", {})
LOAD_KEYS = Family(
    "overview_load_keys_total",
    "Documents to load: in a load of their own or one in flight.",
    {"how": ("own", "shared")},
)
SHADOW = Family(
    "overview_shadow_total", "Hits verified against Postgres.", {"outcome": ("equal", "allowed-stale", "wrong")}
)
POOL_BUSY = Family("overview_pool_busy_seconds_total", "Time that connections to Postgres were in use.", {})
POOL_WAITS = Family("overview_pool_waits_total", "Calls that found no free connection to Postgres.", {})
POOL_WAIT = Family("overview_pool_wait_seconds_total", "Time that they waited for one.", {})
BREAKER_OPENINGS = Family(
    "overview_breaker_openings_total", "How often the circuit breaker of a store opened.", {"part": ("redis",)}
)
BREAKER_OPEN = Family(
    "overview_breaker_open_seconds_total", "Time that the circuit breaker was open.", {"part": ("redis",)}
)
ADDITIONS = Family(
    "overview_cart_additions_total",
    "Additions to carts.",
    {"outcome": ("made", "replayed", "refused", "unavailable")},
)
BATCHES = Family("overview_cart_batches_total", "Transactions with additions to carts.", {})

FAMILIES = (
    DOCUMENTS,
    ANSWERS,
    REDIS_CALLS,
    POSTGRES_CALLS,
    ADDITIONS_ANSWERED,
    REQUESTS,
    FILLS,
    REPLICA_READS,
    LOADS,
    LOAD_KEYS,
    SHADOW,
    POOL_BUSY,
    POOL_WAITS,
    POOL_WAIT,
    BREAKER_OPENINGS,
    BREAKER_OPEN,
    ADDITIONS,
    BATCHES,
)

SERIES: tuple[str, ...] = tuple(each for family in FAMILIES for each in family.series())
