"""A Redis or Valkey Cluster: a store for each master, and which of them has a name, as the cluster says itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from service.cache.breaker import Breaker
from service.cache.entry import Found
from service.cache.node_store import NodeStore
from service.cache.redis_server import Address
from service.cache.redis_store import Stored
from service.cache.topology import Topology
from service.coroutines import elsewhere, together
from service.errors import PartlyUnavailable, RedisUnavailable

_PAUSE_AFTER_FAILURE_SECONDS = 0.25
# Of a write whose slots move meanwhile.
_ATTEMPTS = 3


class RedisCluster:
    """The cluster of which ``url`` names some nodes. Calls raise RedisUnavailable, as those of RedisStore.

    Raises SettingError for an invalid URL.
    """

    def __init__(self, url: str, timeout_seconds: float, *, with_position: bool = False) -> None:
        self.topology = Topology(url, timeout_seconds, with_position=with_position)
        self._breakers: dict[NodeStore, Breaker] = {}
        self._without_position: set[NodeStore] = set()

    @property
    def epoch(self) -> int:
        """The highest that a master is known to have."""
        return max((node.epoch for node in self.topology.view.nodes.values()), default=0)

    async def get(self, names: Sequence[str]) -> Found:
        """As RedisStore's, for names of one slot."""
        return await (await self._owner(names[0])).get(names)

    async def put(self, epoch: int, entries: Sequence[Stored]) -> int:
        """Raise every master's epoch, and store each (name, bytes, TTL in seconds) unless a newer one is there.

        An entry follows its slot. Raises PartlyUnavailable if that could not be done everywhere, after all the rest.
        """
        nodes = (await self.topology.known_view()).nodes.values()
        self._breakers = {node: breaker for node, breaker in self._breakers.items() if node in nodes}
        parts = {**{node: [] for node in nodes}, **self._by_owner(entries)}
        stored, failed = 0, sum(map(len, parts.values())) < len(entries)
        for _ in range(_ATTEMPTS):
            done = await together([self._offer(node, epoch, part) for node, part in parts.items()])
            stored += sum(count for count, _ in done)
            failed = failed or any(left is None for _, left in done)
            if not (moved := [entry for _, left in done for entry in left or ()]):
                break
            await elsewhere(self.topology.refresh_if_it_can)
            parts = self._by_owner(moved)
            failed = failed or sum(map(len, parts.values())) < len(moved)
        else:
            failed = True
        if failed:
            raise PartlyUnavailable
        return stored

    @property
    def incarnation(self) -> Mapping[NodeStore, int]:
        """The incarnations of all masters."""
        return {node: node.incarnation for node in self.topology.view.nodes.values()}

    async def raise_position(self, incarnation: Mapping[NodeStore, int], epoch: int, written: int) -> bool:
        """As RedisStore's, at every master that answers; whether these are still of their incarnations.

        A master that does not is offered no entries before it has a later position: a tombstone does not live as long
        as a replica may lag.
        """
        raised = await together([self._raised(node, own, epoch, written) for node, own in incarnation.items()])
        self._without_position = {node for node, is_same in zip(incarnation, raised, strict=True) if is_same is None}
        return False not in raised

    async def count(self, name: str) -> None:
        """Increment the counter of this name."""
        await (await self._owner(name)).count(name)

    async def nodes(self) -> dict[str, NodeStore]:
        """The masters by their addresses."""
        nodes = (await self.topology.known_view()).nodes
        return {f"{host}:{port}": node for (host, port), node in sorted(nodes.items())}

    async def seconds_left(self, name: str) -> float | None:
        """Seconds until what is stored under a name is dropped; None if that is nothing."""
        return await (await self._owner(name)).seconds_left(name)

    def renew(self) -> None:
        """Close the idle connections: new ones check each server's identity again."""
        for node in self.topology.view.nodes.values():
            node.renew()

    def close(self) -> None:
        """Stop asking for the slots, and close every connection."""
        self.topology.close()

    async def _owner(self, name: str) -> NodeStore:
        if (owner := (await self.topology.known_view()).owner(name)) is None:
            raise RedisUnavailable
        return owner

    def _by_owner(self, entries: Iterable[Stored]) -> dict[NodeStore, list[Stored]]:
        parts: dict[NodeStore, list[Stored]] = {}
        for entry in entries:
            if (owner := self.topology.view.owner(entry[0])) is not None:
                parts.setdefault(owner, []).append(entry)
        return parts

    async def _offer(self, node: NodeStore, epoch: int, entries: Sequence[Stored]) -> tuple[int, list[Stored] | None]:
        """How many were stored, and those whose slot has moved; None for these if the node has failed."""
        breaker = self._breaker(node)
        if (entries and node in self._without_position) or not breaker.allows():
            return 0, None
        try:
            offered = await node.offer(epoch, entries)
            asked = [(entry, ask) for entry, ask in offered.redirected if ask is not None]
            for ask in {ask for _, ask in asked}:
                await self._ask_once(ask, [entry for entry, to in asked if to == ask], offered.epoch, node.incarnation)
        except RedisUnavailable:
            breaker.failed()
            return 0, None
        breaker.succeeded()
        return offered.stored + len(asked), [entry for entry, ask in offered.redirected if ask is None]

    async def _raised(self, node: NodeStore, incarnation: int, epoch: int, written: int) -> bool | None:
        """Whether the node is of this incarnation, None if it does not answer."""
        breaker = self._breaker(node)
        if not breaker.allows():
            return None
        try:
            is_same = await node.raise_position(incarnation, epoch, written)
        except RedisUnavailable:
            breaker.failed()
            return None
        breaker.succeeded()
        return is_same

    def _breaker(self, node: NodeStore) -> Breaker:
        return self._breakers.setdefault(node, Breaker(_PAUSE_AFTER_FAILURE_SECONDS, time.monotonic))

    async def _ask_once(self, address: Address, entries: Sequence[Stored], epoch: int, incarnation: int) -> None:
        """Store entries of slots that are on their way to a node, which may have none yet."""
        node = self.topology.node(address)
        try:
            await node.take(entries, epoch, incarnation)
        finally:
            node.close()
