"""Asks Redis and Postgres how they are, and what they have of one entry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.cache.entry import UNKNOWN_INCARNATION
from service.cache.keys import SILENT_LISTENERS
from service.cache.redis import Redis
from service.catalogue.database import DatabaseCatalogue, OutboxState
from service.coroutines import block_on
from service.errors import Unavailable
from service.watch.series import INVALIDATIONS, REDIS_EVICTED, REDIS_EXPIRED, REDIS_HITS, REDIS_MISSES

_KEYS = re.compile(r"keys=(\d+)")
_COUNTERS = {
    REDIS_HITS: "keyspace_hits",
    REDIS_MISSES: "keyspace_misses",
    REDIS_EVICTED: "evicted_keys",
    REDIS_EXPIRED: "expired_keys",
}


@dataclass(frozen=True)
class RedisState:
    """What Redis says of itself: ``said`` are the fields of INFO; the ``incarnation`` is that of its data."""

    said: Mapping[str, str]
    incarnation: int
    silent_listeners: int

    @property
    def run_id(self) -> str:
        """Of the server's process: another after a restart or a failover."""
        return self.said.get("run_id", "")

    def number(self, name: str) -> int:
        """A field that is a whole number; 0 where it is missing."""
        try:
            return int(self.said.get(name, "0"))
        except ValueError:
            return 0

    def keys_by_database(self) -> dict[str, int]:
        """How many keys each database has that has any."""
        found = {name: _KEYS.match(said) for name, said in self.said.items() if name.startswith("db")}
        return {name: int(keys[1]) for name, keys in found.items() if keys}

    def counts(self) -> dict[str, int]:
        """What it has counted since it started, by series."""
        return {series: self.number(name) for series, name in _COUNTERS.items()}


def redis_state(store: Redis) -> RedisState | None:
    """How Redis is; None if it does not answer in time."""
    try:
        said = block_on(store.info())
        found = block_on(store.get([SILENT_LISTENERS]))
    except Unavailable:
        return None
    incarnation = UNKNOWN_INCARNATION if found.epoch is None else found.incarnation
    return RedisState(said, incarnation, int(found.stored[0] or 0))


def postgres_state(database: DatabaseCatalogue) -> OutboxState | None:
    """How the outbox is; None if Postgres does not answer in time."""
    try:
        return block_on(database.outbox_state())
    except Unavailable:
        return None


def postgres_counts(state: OutboxState) -> dict[str, int]:
    """What Postgres has counted, by series."""
    return {INVALIDATIONS: state.ever}
