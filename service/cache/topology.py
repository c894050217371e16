"""Which masters a cluster has, and which slots each of them: asked for in a thread, and known to all."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from service.cache.breaker import Breaker
from service.cache.node_store import NodeStore
from service.cache.redis_server import Address, servers_of
from service.cache.slots import SLOTS, Ranges, ask_for_slots, epoch_names, slot_of
from service.coroutines import elsewhere
from service.errors import RedisUnavailable
from service.settings import SettingError

# The slots are asked for so often, and in trouble as soon as the last answer is so old.
_LOOK_EVERY_SECONDS, _LEAST_SECONDS = 2.0, 0.05
_PAUSE_AFTER_FAILURE_SECONDS = 0.25


class View(NamedTuple):
    """The masters as far as they are known, of each slot the one that has it, and their numbers from 0."""

    nodes: Mapping[Address, NodeStore]
    owners: Sequence[NodeStore | None]
    numbers: Mapping[NodeStore, int]

    def owner(self, name: str) -> NodeStore | None:
        """The master that has a name; None where no master has its slot."""
        return self.owners[slot_of(name)]


class Topology:
    """The ``view`` of the cluster of which ``url`` names some nodes.

    ``changed`` is called with another view, and the masters that have new slots in it, just before it takes the place
    of the last one. Raises SettingError for an invalid URL.
    """

    def __init__(self, url: str, timeout_seconds: float, *, with_position: bool = False) -> None:
        self._seeds, path = servers_of(url, "cluster")
        if path not in ("", "/", "/0"):
            raise SettingError("REDIS_URL names a database, and a cluster has none but 0")
        self._timeout_seconds, self._with_position = timeout_seconds, with_position
        self.view = View({}, [None] * SLOTS, {})
        self.changed: Callable[[View, Collection[NodeStore]], None] = lambda _view, _gained: None
        self._masters: Mapping[Address, Ranges] = {}
        self._first = Breaker(_PAUSE_AFTER_FAILURE_SECONDS, time.monotonic)
        self._lock, self._asked_at = threading.Lock(), -_LEAST_SECONDS
        self._wanted, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._watch, name="slots", daemon=True)

    async def known_view(self) -> View:
        """What is known, asked for if that is nothing yet."""
        if not self.view.nodes:
            if not self._first.allows():
                raise RedisUnavailable
            await elsewhere(self.refresh)
        return self.view

    def refresh(self) -> None:
        """Ask which master has which slots, blocking; just after another such call it has no effect.

        Raises RedisUnavailable if no node says so.
        """
        with self._lock:
            if time.monotonic() < self._asked_at + _LEAST_SECONDS:
                return
            try:
                masters = self._ask()
            except RedisUnavailable:
                self._first.failed()
                raise
            finally:
                self._asked_at = time.monotonic()
            if masters != self._masters and not self._closed:
                self._adopt(masters)
            if self._thread.ident is None:
                self._thread.start()

    def refresh_if_it_can(self) -> None:
        """The same; nothing changes if no node says so."""
        with suppress(RedisUnavailable):
            self.refresh()

    def node(self, address: Address, names: Sequence[str] = ("",)) -> NodeStore:
        """A store for the node at an address."""
        server = self._seeds[0].at(*address)
        return NodeStore(server, self._timeout_seconds, names, self._wanted.set, with_position=self._with_position)

    def close(self) -> None:
        """Stop asking, and close every connection."""
        with self._lock:
            self._closed = True
        self._wanted.set()
        for node in self.view.nodes.values():
            node.close()

    def _watch(self) -> None:
        while not self._closed:
            self._wanted.wait(_LOOK_EVERY_SECONDS)
            self._wanted.clear()
            self.refresh_if_it_can()
            time.sleep(_LEAST_SECONDS)

    def _ask(self) -> Mapping[Address, Ranges]:
        """The slots as a node knows them that is connected to most masters; at first, as any knows them."""
        servers = [self._seeds[0].at(*address) for address in self.view.nodes]
        random.shuffle(servers)
        found: Mapping[Address, Ranges] = {}
        for server in (*servers, *self._seeds):
            with suppress(RedisUnavailable):
                is_connected, masters = ask_for_slots(server, time.monotonic() + self._timeout_seconds)
                if is_connected and masters:
                    return masters
                found = found or masters
        if not found:
            raise RedisUnavailable
        return self._masters or found

    def _adopt(self, masters: Mapping[Address, Ranges]) -> None:
        before, nodes = self.view, {}
        owners: list[NodeStore | None] = [None] * SLOTS
        for address, ranges in masters.items():
            names = epoch_names(ranges)
            nodes[address] = node = before.nodes.get(address) or self.node(address, names)
            node.name_epoch(names)
            for first, last in ranges:
                owners[first : last + 1] = [node] * (last + 1 - first)
        view = View(nodes, owners, {nodes[address]: number for number, address in enumerate(sorted(nodes))})
        gained = {now for now, was in zip(owners, before.owners, strict=True) if now is not None and now is not was}
        for node in gained:
            node.renew()  # its identity may be another one now
        self.changed(view, gained)
        self.view, self._masters = view, masters
        for address in before.nodes.keys() - nodes.keys():
            before.nodes[address].close()
