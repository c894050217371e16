"""What changed between two looks: restarts, deployments, breakers, stores, the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from service.cache.entry import UNKNOWN_INCARNATION
from service.catalogue.database import OutboxState
from service.metrics import series
from service.watch.fleet import InstanceState
from service.watch.series import of
from service.watch.stores import ONE_SERVER, Lag, RedisState, ReplicaState, ServerState

_DEPLOY, _VERSION, _RESTARTED = "deploy", "version ", "restarted"
Part = tuple[str, str]
"""The kind of a part of the service, and its name."""

_REDIS, _POSTGRES = ("redis", ONE_SERVER), ("postgres", "Postgres")
_UNKNOWN_SERVER = "", UNKNOWN_INCARNATION
(_OPENINGS,) = of(series.BREAKER_OPENINGS, part="redis")


class Event(NamedTuple):
    """Something that happened at a second: its kind, what it was, and to whom."""

    time: int
    kind: str
    text: str
    source: str


@dataclass(frozen=True)
class Seen:
    """All that one look found. A store of which nothing answers is None; replicas are by their addresses."""

    time: int
    instances: Mapping[str, InstanceState]
    redis: RedisState | None
    postgres: OutboxState | None
    nginx: str
    replicas: Mapping[str, ReplicaState | None] = field(default_factory=dict)

    @property
    def down(self) -> frozenset[Part]:
        """All that does not respond."""
        replicas = {("replica", address): state for address, state in self.replicas.items()}
        stores = {_REDIS: self.redis, _POSTGRES: self.postgres, **replicas}
        instances = (("instance", address) for address, state in self.instances.items() if not state.is_up)
        servers = (("redis", name) for name in (self.redis.silent if self.redis else ()))
        return frozenset((*instances, *servers, *(store for store, state in stores.items() if state is None)))

    @property
    def lags(self) -> dict[str, Lag | None]:
        """How far each replica is behind; None for one that does not answer."""
        flushed = self.postgres.flushed if self.postgres else 0
        return {address: state and state.lag(flushed) for address, state in self.replicas.items()}


@dataclass(frozen=True)
class Known:
    """What was last known, over all looks: a store may change while it does not answer.

    ``redis`` has the process and the incarnation of each server. ``versions`` are those that were deployed; None if
    that is not known. What is ``late`` did not respond at the last look. What is ``gone`` did not at two in a row: one
    alone may be a moment in which the machine was busy.
    """

    redis: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    epoch: int = 0
    versions: frozenset[str] | None = None
    late: frozenset[Part] = frozenset()
    gone: frozenset[Part] = frozenset()

    def after(self, seen: Seen) -> Known:
        """With what this look adds."""
        servers = seen.redis.servers.items() if seen.redis else ()
        return Known(
            {name: self._server(name, server) for name, server in servers} or self.redis,
            self.epoch if seen.postgres is None else seen.postgres.epoch,
            versions=_versions(seen) or self.versions,
            late=seen.down,
            gone=seen.down & self.late,
        )

    def _server(self, name: str, server: ServerState | None) -> tuple[str, int]:
        """After a flush there is no incarnation until somebody writes one."""
        run_id, incarnation = self.redis.get(name, _UNKNOWN_SERVER)
        if server is None:
            return run_id, incarnation
        # Another process' data are another incarnation too, which is not worth a second event.
        kept = UNKNOWN_INCARNATION if server.run_id != run_id else incarnation
        return server.run_id, server.incarnation or kept


def changes(before: Seen, known: Known, now: Seen) -> Iterator[Event]:
    """What changed since the look ``before``, at which the stores were last ``known`` as this."""
    yield from deployments(known, now)
    found = [*_of_instances(before, now), *_of_stores(known, now)]
    found += _coming_and_going(known, now, {source for _, text, source in found if text == _RESTARTED})
    if before.nginx != now.nginx:
        text = (
            "the access log is read"
            if now.nginx == "counted"
            else "the access log is missing: requests are not counted"
        )
        found.append(("nginx", text, "nginx"))
    for kind, text, source in found:
        yield Event(now.time, kind, text, source)


def deployments(known: Known, now: Seen) -> Iterator[Event]:
    """Each version that was not known to be deployed, once however many instances have it."""
    if known.versions is None:
        return
    for version in sorted(_versions(now) - known.versions):
        address = next(address for address, state in now.instances.items() if state.version == version)
        yield Event(now.time, _DEPLOY, _VERSION + version, address)


def last_deployed(events: Iterable[Event]) -> frozenset[str]:
    """The version of the last deployment among these; none before the first."""
    found = [event.text.removeprefix(_VERSION) for event in events if event.kind == _DEPLOY]
    return frozenset(found[-1:])


def _versions(seen: Seen) -> frozenset[str]:
    return frozenset(state.version for state in seen.instances.values() if state.version)


_Change = tuple[str, str, str]


def _of_instances(before: Seen, now: Seen) -> Iterator[_Change]:
    for address, state in now.instances.items():
        was = before.instances[address]
        yield from (("instance", text, address) for text in _of_instance(was, state))
        yield from (("breaker", text, address) for text in _of_breaker(was, state))


def _of_instance(was: InstanceState, state: InstanceState) -> Iterator[str]:
    if was.incarnation and state.incarnation != was.incarnation:
        yield _RESTARTED
    elif was.worker and state.worker != was.worker:
        yield "its worker was replaced"


def _of_breaker(was: InstanceState, state: InstanceState) -> Iterator[str]:
    if not was.incarnation or not state.is_up:
        return
    openings = was.counts.get(_OPENINGS, 0) if was.incarnation == state.incarnation else 0
    has_opened = state.counts.get(_OPENINGS, 0) > openings
    if has_opened:
        yield "the circuit breaker of Redis opened"
    if (has_opened or was.breaker_open) and not state.breaker_open:
        yield "the circuit breaker of Redis closed"


def _of_stores(known: Known, now: Seen) -> Iterator[_Change]:
    if now.redis is not None:
        for name, server in now.redis.answering.items():
            yield from (("redis", text, name) for text in _of_server(known, name, server))
        for name in known.redis.keys() - now.redis.servers.keys():
            yield "redis", "no master any more", name
    if now.postgres is not None and known.epoch and now.postgres.epoch != known.epoch:
        yield "catalogue", "the catalogue was replaced: every entry is a miss once", "Postgres"


def _of_server(known: Known, name: str, server: ServerState) -> Iterator[str]:
    run_id, incarnation = known.redis.get(name, _UNKNOWN_SERVER)
    if known.redis and name not in known.redis:
        yield "a master now"
    elif run_id and server.run_id != run_id:
        yield "another server process: restarted or failed over"
    elif len({incarnation, server.incarnation} - {UNKNOWN_INCARNATION}) > 1:
        yield "emptied, or its data were replaced: every entry is a miss once"


def _coming_and_going(known: Known, now: Seen, restarted: Collection[str]) -> Iterator[_Change]:
    for kind, source in sorted((now.down & known.late) - known.gone):
        yield kind, "does not respond", source
    for kind, source in sorted(known.gone - now.down):
        if source not in restarted and not _has_left(source, known, now):
            yield kind, "responds again", source


def _has_left(source: str, known: Known, now: Seen) -> bool:
    return source in known.redis and now.redis is not None and source not in now.redis.servers
