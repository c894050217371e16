"""Cache-aside over a cluster: the policy of each master by itself, so that what ails one concerns its names alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from service.cache.aside import CacheAside, Lifetimes, Pending, soft_deadline
from service.cache.catch_up import nothing_pending
from service.cache.entry import UNKNOWN_INCARNATION, Document, Entry, State
from service.cache.node_store import NodeStore
from service.cache.position import Position
from service.cache.topology import Topology, View
from service.coroutines import together
from service.errors import RedisUnavailable
from service.metrics.counting import Counts


class Incarnations(NamedTuple):
    """Those of all masters, and who had which slot then."""

    of: Mapping[NodeStore, int]
    view: View


class ClusterCache:
    """The same as CacheAside, with one of these for each master in ``topology``.

    A master that gets a slot may lack invalidations that are pending, and what this process has served of the slot may
    be newer than what others store there: it is used once it has caught up, as after a failure.
    """

    def __init__(
        self,
        topology: Topology,
        lifetimes: Lifetimes,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pending: Pending = nothing_pending,
        openings: Counts | None = None,
    ) -> None:
        self._topology = topology
        self._lifetimes, self._wall_clock = lifetimes, wall_clock
        self._monotonic = monotonic
        self.pending = pending
        self._openings = openings
        self._caches: dict[NodeStore, CacheAside] = {}
        self._newest_epoch = 0
        self._was_bypassed = False
        topology.changed = self._changed

    @property
    def is_down(self) -> bool:
        """Whether a circuit breaker is open, or no node of the cluster has said yet who the masters are."""
        caches = self._caches.values()
        return any(cache.is_down for cache in caches) if caches else self._was_bypassed

    def bypasses(self, names: Collection[str]) -> bool:
        """Whether the circuit breakers of all that have these names are open, or nobody has them."""
        view = self._topology.view
        return all(owner is None or self._cache(owner).is_down for owner in {view.owner(name) for name in names})

    def lane(self, name: str) -> int:
        """The number of the master that has a name, among all of them; 0 if nobody has it."""
        view = self._topology.view
        owner = view.owner(name)
        return 0 if owner is None else view.numbers[owner]

    async def look_up(self, names: Sequence[str]) -> list[Document | None]:
        """What may be served under each name; nothing where its master is bypassed.

        Raises RedisUnavailable if that is so for all of them.
        """
        try:
            view = await self._topology.known_view()
        except RedisUnavailable:
            self._was_bypassed = True
            raise
        places: dict[NodeStore | None, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(view.owner(name), []).append(place)
        parts = [(self._cache(owner), of_owner) for owner, of_owner in places.items() if owner is not None]
        if len(parts) == 1 and len(places) == 1:
            return await parts[0][0].look_up(names)
        found: list[Document | None] = [None] * len(names)
        results = await together([_found(cache, [names[place] for place in own]) for cache, own in parts])
        if not any(result is not None for result in results):
            raise RedisUnavailable
        for (_, own), result in zip(parts, results, strict=True):
            for place, one in zip(own, result or (), strict=result is not None):
                found[place] = one
        return found

    async def incarnation(self) -> Incarnations:
        """The incarnations of all masters, to be read before the source is, and passed to ``fill``."""
        view = self._topology.view
        nodes = list(view.nodes.values())
        if unknown := [node for node in nodes if node.incarnation == UNKNOWN_INCARNATION]:
            await together([self._cache(node).incarnation() for node in unknown])
        return Incarnations({node: node.incarnation for node in nodes}, view)

    async def position_of(self, names: Collection[str], incarnation: Incarnations) -> Position | None:
        """As CacheAside's, of the masters that have these names.

        Where one of them has none, as it is bypassed or was promoted just now, that of the others as of now counts.
        Raises RedisUnavailable.
        """
        owners = {incarnation.view.owner(name) for name in names}
        known = [self._cache(owner).position(incarnation.of[owner]) for owner in owners if owner is not None]
        own = [each for each in known if each is not None]
        return max(own) if len(own) == len(owners) else await self.latest_position()

    async def latest_position(self) -> Position | None:
        """As CacheAside's, of all masters that answer now.

        Each of them has a position before anything that it covers is announced at any of them, so one would do.
        """
        nodes = list((await self._topology.known_view()).nodes.values())
        await together([_found(self._cache(node), []) for node in nodes])
        known = [self._cache(node).position(node.incarnation) for node in nodes]
        return max((each for each in known if each is not None), default=None)

    async def fill(self, entries: Mapping[str, Entry], began: float, incarnation: Incarnations) -> int:
        """As CacheAside's. A name that another master has than when ``incarnation`` was read is refused."""
        if not entries:
            return 0
        self._know(max(entry.epoch for entry in entries.values()))
        view = self._topology.view
        parts: dict[tuple[NodeStore, int], dict[str, Entry]] = {}
        for name, entry in entries.items():
            if (owner := view.owner(name)) is not None:
                is_same = owner is incarnation.view.owner(name)
                own = incarnation.of[owner] if is_same else UNKNOWN_INCARNATION
                parts.setdefault((owner, own), {})[name] = entry
        return sum(
            await together(
                [self._cache(owner).fill(part, began, own) for (owner, own), part in parts.items()],
            )
        )

    def fresh_until(self, state: State) -> float:
        """As CacheAside's."""
        return soft_deadline(self._lifetimes, state, self._wall_clock())

    def _know(self, epoch: int) -> None:
        self._newest_epoch = max(self._newest_epoch, epoch)
        for cache in list(self._caches.values()):
            cache.know_epoch(self._newest_epoch)

    def _cache(self, node: NodeStore) -> CacheAside:
        if (cache := self._caches.get(node)) is None:  # it has just left, and what it missed is not known any more
            cache = self._new_cache(node)
            cache.catch_up.failed()
        return cache

    def _new_cache(self, node: NodeStore) -> CacheAside:
        return CacheAside(node, self._lifetimes, self._wall_clock, self._monotonic, self.pending, self._openings)

    def _changed(self, view: View, gained: Collection[NodeStore]) -> None:
        before = self._topology.view
        nodes = view.nodes.values()
        self._caches = {node: self._caches.get(node) or self._new_cache(node) for node in nodes}
        # An epoch says what the load before it invalidates: a master that gets a slot may not have it yet.
        self._know(max((node.epoch for node in before.nodes.values()), default=0))
        if before.nodes or self._was_bypassed:  # else nothing has been served yet
            for node in gained:
                self._caches[node].catch_up.failed()


async def _found(cache: CacheAside, names: Sequence[str]) -> list[Document | None] | None:
    """What may be served under each name; None while the master is bypassed."""
    try:
        return await cache.look_up(names)
    except RedisUnavailable:
        return None
