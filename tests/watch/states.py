"""A state as ``/dashboard.json`` has it, and points as ``/dashboard/points.json`` has them, for what shows them."""

from copy import deepcopy
from typing import Any

WINDOWS = ("now", "1m", "5m", "1h", "24h", "total")
SECONDS = {"now": 1, "1m": 60, "5m": 300, "1h": 3_600, "24h": 86_400, "total": 100_000}

_NONE = {"hit": 0, "stale": 0, "miss": 0, "bypass": 0, "rate": None, "per_second": 0.0}


def _counted(seconds: int) -> dict[str, Any]:
    """96 of 100 documents a second came from Redis."""
    of = {"hit": 95 * seconds, "stale": seconds, "miss": 3 * seconds, "bypass": seconds}
    return {**of, "rate": 0.96, "per_second": 100.0}


def _instance(name: str, **changed: Any) -> dict[str, Any]:
    of = {"state": "up", "per_second": 50.0, "rate": 0.96, "errors_per_second": 0.25, "breaker_open": False}
    return {"address": f"unix:/run/{name}.sock", **of, **changed}


def _tier(
    name: str, asked: float | None, answered: float | None, share: float | None, **times: float
) -> dict[str, Any]:
    of = {"asked_per_second": asked, "answered_per_second": answered, "share": share}
    return {"name": name, **of, "p50": times.get("p50"), "p99": times.get("p99")}


_BUSY, _IDLE = {window: _counted(SECONDS[window]) for window in WINDOWS}, dict.fromkeys(WINDOWS, _NONE)

_STATE: dict[str, Any] = {
    "time": 1_795_823_205,
    "kinds": {"product": _BUSY, "styles": _IDLE, "related": _IDLE, "card": _IDLE, "summary": _IDLE, "all": _BUSY},
    "tiers": [
        _tier("nginx", None, None, None),
        _tier("fast path", 100.0, 99.0, 0.99),
        _tier("Redis", 1_234.0, 96.0, 0.96, p50=0.00034, p99=0.0024),
        _tier("Postgres", 4.0, 4.0, 1.0, p50=0.004, p99=1.25),
    ],
    "instances": [_instance("web.1"), _instance("web.2")],
    "redis": {
        "state": "up",
        "hit_rate": 0.9,
        "used_bytes": 12_300_000,
        "max_bytes": 512_000_000,
        "keys": 1_234,
        "evictions_per_second": 0.0,
        "servers": [{"address": "Redis", "state": "up"}],
    },
    "postgres": {
        "state": "up",
        "outbox_rows": 7,
        "oldest_seconds": 0.25,
        "invalidations_per_second": 12.0,
        "replicas": [],
    },
    "hottest": [{"kind": "product", "id": 12, "per_second": 31.0}],
    "missed": [{"kind": "styles", "id": 5, "per_second": 0.015}],
    "events": [
        {"time": 1_795_823_100 + second, "kind": "instance", "text": f"event {second}", "source": "watch"}
        for second in range(100)
    ],
    "sentence": "96.0 % of documents came from Redis in the last minute; 2 of 2 instances respond; "
    "Redis and Postgres are up.",
}


def state(**changed: Any) -> dict[str, Any]:
    """The state of a service with some traffic; ``changed`` replaces parts of it."""
    return {**deepcopy(_STATE), **changed}


def silent(name: str) -> dict[str, Any]:
    """An instance that does not respond."""
    return _instance(name, state="silent", per_second=None, rate=None, errors_per_second=None)


def points() -> dict[str, Any]:
    """Five minutes: four without traffic, then a rate that rises from 0 to 1."""
    rates = [None] * 240 + [second / 59 for second in range(60)]
    kinds = {kind: rates if kind in ("product", "all") else [None] * 300 for kind in _STATE["kinds"]}
    return {"charts": {"rate": {"series": kinds}}}


def has_all_of(expected: Any, found: Any) -> bool:
    """Whether ``found`` has every name that ``expected`` has, at any depth; lists are compared by their first items."""
    if isinstance(expected, dict):
        return all(name in found and has_all_of(value, found[name]) for name, value in expected.items())
    if isinstance(expected, list):
        return isinstance(found, list) and (not found or not expected or has_all_of(expected[0], found[0]))
    return True
