"""Asks Redis, Postgres and its replicas how they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from service.cache.entry import UNKNOWN_INCARNATION
from service.cache.keys import SILENT_LISTENERS
from service.cache.redis import Redis
from service.cache.redis_cluster import RedisCluster
from service.cache.redis_store import RedisStore
from service.catalogue.database import DatabaseCatalogue, OutboxState
from service.coroutines import block_on, together
from service.errors import Unavailable
from service.postgres import Call, Postgres, Statement
from service.watch.series import INVALIDATIONS, REDIS_EVICTED, REDIS_EXPIRED, REDIS_HITS, REDIS_MISSES

ONE_SERVER = "Redis"
"""What a server is called that is no member of a cluster."""
REPLICA_STATE = Statement.load(Path(__file__).parent / "sql" / "replica_state.sql")

_KEYS = re.compile(r"keys=(\d+)")
_COUNTERS = {
    REDIS_HITS: "keyspace_hits",
    REDIS_MISSES: "keyspace_misses",
    REDIS_EVICTED: "evicted_keys",
    REDIS_EXPIRED: "expired_keys",
}


@dataclass(frozen=True)
class ServerState:
    """What one server says of itself: ``said`` are the fields of INFO; the ``incarnation`` is that of its data."""

    said: Mapping[str, str]
    incarnation: int

    @property
    def run_id(self) -> str:
        """Of its process: another after a restart, or where a failover put another server in its place."""
        return self.said.get("run_id", "")

    def number(self, name: str) -> int:
        """A field that is a whole number; 0 where it is missing."""
        try:
            return int(self.said.get(name, "0"))
        except ValueError:
            return 0

    def counts(self) -> dict[str, int]:
        """What it has counted since it started, by series."""
        return {series: self.number(name) for series, name in _COUNTERS.items()}


@dataclass(frozen=True)
class RedisState:
    """How each server is that has names, in a cluster by its address; None for one that does not answer in time.

    ``silent_listeners`` is None if the one that has their number does not.
    """

    servers: Mapping[str, ServerState | None]
    silent_listeners: int | None

    @property
    def answering(self) -> dict[str, ServerState]:
        """The servers that answer: one or more."""
        return {name: server for name, server in self.servers.items() if server is not None}

    @property
    def silent(self) -> list[str]:
        """The servers that do not answer."""
        return [name for name, server in self.servers.items() if server is None]

    def sum(self, name: str) -> int:
        """A field that is a whole number, of all servers that answer."""
        return sum(server.number(name) for server in self.answering.values())

    def words(self, name: str) -> str:
        """The different values of a field."""
        return ", ".join(sorted({server.said.get(name, "") for server in self.answering.values()}))

    @property
    def uptime_seconds(self) -> int:
        """Of the server that started last."""
        return min(server.number("uptime_in_seconds") for server in self.answering.values())

    def keys_by_database(self) -> dict[str, int]:
        """How many keys each database has that has any."""
        found: dict[str, int] = {}
        for name, said in self._fields():
            if name.startswith("db") and (keys := _KEYS.match(said)):
                found[name] = found.get(name, 0) + int(keys[1])
        return found

    def _fields(self) -> Iterator[tuple[str, str]]:
        for server in self.answering.values():
            yield from server.said.items()


class Lag(NamedTuple):
    """How far a replica is behind its primary; the seconds are by both servers' clocks."""

    lag_bytes: int
    lag_seconds: float


class ReplicaState(NamedTuple):
    """Bytes of the log that a replica has replayed and received, and the age of the last commit that it replayed."""

    replayed: int
    received: int
    age_seconds: float

    def lag(self, flushed: int) -> Lag:
        """How far it is behind a primary that has so many bytes of the log."""
        behind = max(0, self.received - self.replayed, flushed - self.replayed)
        return Lag(behind, self.age_seconds if behind else 0.0)


def redis_state(store: Redis) -> RedisState | None:
    """How Redis is; None if no server answers in time."""
    try:
        servers = block_on(store.nodes()) if isinstance(store, RedisCluster) else {ONE_SERVER: store}
    except Unavailable:
        return None
    states = block_on(together([_server_state(server) for server in servers.values()]))
    if not any(states):
        return None
    return RedisState(dict(zip(servers, states, strict=True)), _silent_listeners(store))


async def _server_state(server: RedisStore) -> ServerState | None:
    try:
        said, found = await server.info(), await server.get([])
    except Unavailable:
        return None
    return ServerState(said, UNKNOWN_INCARNATION if found.epoch is None else found.incarnation)


def _silent_listeners(store: Redis) -> int | None:
    try:
        (counted,) = block_on(store.get([SILENT_LISTENERS])).stored
    except Unavailable:
        return None
    return int(counted or 0)


def postgres_state(database: DatabaseCatalogue) -> OutboxState | None:
    """How the outbox is; None if Postgres does not answer in time."""
    try:
        return block_on(database.outbox_state())
    except Unavailable:
        return None


def replica_states(server: Postgres) -> list[ReplicaState | None]:
    """How far a replica is: one state, None if it does not answer in time; no state of a primary."""
    try:
        rows = block_on(server.run(Call(REPLICA_STATE)))
    except Unavailable:
        return [None]
    return [ReplicaState(replayed, received, float(age_seconds)) for replayed, received, age_seconds in rows]


def postgres_counts(state: OutboxState) -> dict[str, int]:
    """What Postgres has counted, by series."""
    return {INVALIDATIONS: state.ever}
