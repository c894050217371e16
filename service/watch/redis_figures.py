"""Figures of Redis: what its servers say of themselves, and what they counted in a span of time."""

from __future__ import annotations

import time

from service.watch.figures import Figures
from service.watch.series import REDIS_EVICTED, REDIS_EXPIRED, REDIS_HITS, REDIS_MISSES
from service.watch.spans import Span, ratio
from service.watch.stores import RedisState, ServerState


def redis(state: RedisState | None, span: Span) -> Figures:
    """All servers together, and each by itself."""
    if state is None:
        return {"state": "down", "servers": []}
    hits, misses = span.count(REDIS_HITS), span.count(REDIS_MISSES)
    return {
        "state": "partly down" if state.silent else "up",
        "hit_rate": ratio(hits, hits + misses),
        "used_bytes": state.sum("used_memory"),
        "max_bytes": state.sum("maxmemory"),
        "keys": state.sum("keys"),
        "evictions_per_second": span.per_second([REDIS_EVICTED]),
        "expirations_per_second": span.per_second([REDIS_EXPIRED]),
        "clients": state.sum("connected_clients"),
        "role": state.words("role"),
        "policy": state.words("maxmemory_policy"),
        "up_since": int(time.time()) - state.uptime_seconds,
        "servers": [_server(*each) for each in state.servers.items()],
    }


def _server(name: str, server: ServerState | None) -> Figures:
    """One that answers counts since it started."""
    if server is None:
        return {"address": name, "state": "silent"}
    hits = server.number("keyspace_hits")
    return {
        "address": name,
        "state": "up",
        "up_since": int(time.time()) - server.number("uptime_in_seconds"),
        "hit_rate": ratio(hits, hits + server.number("keyspace_misses")),
        "used_bytes": server.number("used_memory"),
        "max_bytes": server.number("maxmemory"),
        "keys": server.number("keys"),
        "commands_per_second": server.number("instantaneous_ops_per_sec"),
        "evicted": server.number("evicted_keys"),
        "clients": server.number("connected_clients"),
        "replicas": server.number("connected_slaves"),
    }
