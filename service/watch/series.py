"""What is kept a history of besides the instances' own series; and series by their family and labels."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from service.metrics import series
from service.metrics.series import Family, histogram, name

ANSWERERS = ("cache", "instance", "old-api", "nginx")
"""Who answers a request to nginx: its own cache, an instance, the old API, or nginx itself, with an error."""

STATUSES = (*series.STATUSES, "429")

NGINX_REQUESTS = Family(
    "overview_nginx_requests_total", "Requests to nginx, by who answered them.", {"answered_by": ANSWERERS}
)
NGINX_RESPONSES = Family(
    "overview_nginx_responses_total", "Responses of nginx; 429 is not in 4xx.", {"status": STATUSES}
)
NGINX_SECONDS = Family(
    "overview_nginx_request_seconds",
    "Duration of requests to nginx, from some lines of its log.",
    {"answered_by": ANSWERERS},
    is_histogram=True,
)
_OF_NGINX = (NGINX_REQUESTS, NGINX_RESPONSES, NGINX_SECONDS)
_BY_NAME = {family.name: family for family in (*series.FAMILIES, *_OF_NGINX)}

INVALIDATIONS = "overview_invalidations_total"
REDIS_HITS = "redis_keyspace_hits_total"
REDIS_MISSES = "redis_keyspace_misses_total"
REDIS_EVICTED = "redis_evicted_keys_total"
REDIS_EXPIRED = "redis_expired_keys_total"

REDIS_USED = "redis_memory_used_bytes"
REDIS_LIMIT = "redis_memory_max_bytes"
LAG_NANOSECONDS = "overview_outbox_oldest_nanoseconds"

GAUGES = frozenset((REDIS_USED, REDIS_LIMIT, LAG_NANOSECONDS))
"""Values of a moment; all others are counts."""

REPORTED = "reported"
"""Counts the rows of instances: seconds without one are not known, other than seconds without requests."""

WATCHED = "watched"
"""Counts the looks at nginx and the stores."""

ALL_SERIES = frozenset(
    (
        *series.SERIES,
        *(each for family in _OF_NGINX for each in family.series()),
        *(INVALIDATIONS, REDIS_HITS, REDIS_MISSES, REDIS_EVICTED, REDIS_EXPIRED, REPORTED, WATCHED, *GAUGES),
    )
)


Labels = tuple[tuple[str, str | tuple[str, ...]], ...]
"""Each label with its value, or with those that it may have."""


def of(family: Family, **labels: str | tuple[str, ...]) -> tuple[str, ...]:
    """The series of a family of counters whose labels have these values; any where a label is not named."""
    return _of(family.name, tuple(labels.items()))


def buckets_of(family: Family, **labels: str) -> tuple[str, ...]:
    """The buckets of one histogram."""
    return _buckets_of(family.name, tuple(labels.items()))


# A family as such cannot be looked up in a cache.
@functools.cache
def _of(family: str, labels: Labels) -> tuple[str, ...]:
    return tuple(name(family, **each) for each in _BY_NAME[family].combinations() if _fits(each, labels))


@functools.cache
def _buckets_of(family: str, labels: Labels) -> tuple[str, ...]:
    return tuple(histogram(family, **{label: str(value) for label, value in labels})[:-1])


def _fits(found: Mapping[str, str], wanted: Labels) -> bool:
    return all(found[label] in ((value,) if isinstance(value, str) else value) for label, value in wanted)
