"""What is kept a history of besides the instances' own series, by the names that Prometheus gets."""

from __future__ import annotations

from service.metrics.series import BOUNDS, BUCKETS, counters, name

ANSWERERS = ("cache", "instance", "old-api", "nginx")
"""Who answers a request to nginx: its own cache, an instance, the old API, or nginx itself, with an error."""

STATUSES = ("2xx", "3xx", "4xx", "5xx", "429")
"""Classes of statuses; 429 is not in 4xx."""

NGINX_REQUESTS = "overview_nginx_requests_total"
NGINX_RESPONSES = "overview_nginx_responses_total"
NGINX_SECONDS = "overview_nginx_request_seconds"

# nginx' clock for requests has milliseconds.
NGINX_BUCKETS = tuple(bound for bound in BUCKETS if bound >= 0.001)
NGINX_BOUNDS = BOUNDS[BOUNDS.index("0.001") :]

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

COLLECTED: tuple[str, ...] = (
    *counters(NGINX_REQUESTS, answered_by=ANSWERERS),
    *counters(NGINX_RESPONSES, status=STATUSES),
    *counters(f"{NGINX_SECONDS}_bucket", answered_by=ANSWERERS, le=NGINX_BOUNDS),
    INVALIDATIONS,
    REDIS_HITS,
    REDIS_MISSES,
    REDIS_EVICTED,
    REDIS_EXPIRED,
    *sorted(GAUGES),
)


def answered(answerer: str) -> str:
    """Requests to nginx that were answered by one of ANSWERERS."""
    return name(NGINX_REQUESTS, answered_by=answerer)
