"""Concurrent loads of one key are one load."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from concurrent.futures import Future
from typing import NamedTuple

from service import deadline, timing
from service.catalogue import Document, Key
from service.coroutines import settled
from service.errors import Unavailable
from service.metrics.counting import Counts


class Loaded(NamedTuple):
    """Documents, and whether no newer ones can have been served while they were loaded."""

    documents: Mapping[Key, Document]
    newest: bool = True


Load = Callable[[Collection[Key]], Awaitable[Loaded]]


class SingleFlight:
    """Calls ``load`` for keys that are not being loaded now; waits for the others at most ``wait_seconds``.

    ``keys`` counts the own ones and the shared ones.

    A request that joins a load arrived after the load began, perhaps after something newer had been served. If that is
    possible, it loads again, alone or together with others in that position.
    """

    def __init__(self, load: Load, wait_seconds: float, keys: Counts) -> None:
        self._load = load
        self._wait_seconds = wait_seconds
        self._keys = keys
        self._lock = threading.Lock()
        self._under_way: dict[Key, Future[Loaded]] = {}

    async def load(self, keys: Collection[Key]) -> dict[Key, Document]:
        """Every key's document. Raises what ``load`` raises, to everyone who shared the call."""
        loaded, uncertain = await self._load_or_join(keys)
        if uncertain:  # a load that is in flight now began after this request arrived
            again, _ = await self._load_or_join(uncertain)
            loaded.update(again)
        return loaded

    async def _load_or_join(self, keys: Collection[Key]) -> tuple[dict[Key, Document], list[Key]]:
        """Every key's document, and the keys whose document came from another's load and may not be the newest."""
        own: Future[Loaded] = Future()
        with self._lock:
            shared = {key: self._under_way[key] for key in keys if key in self._under_way}
            mine = [key for key in keys if key not in shared]
            self._under_way.update(dict.fromkeys(mine, own))
        self._keys.add(("own",), len(mine))
        self._keys.add(("shared",), len(shared))
        # Its own keys first: nobody waits for another while others wait for it, so that there is no deadlock.
        loaded = dict((await self._fly(mine, own)).documents) if mine else {}
        uncertain = []
        for key, flight in shared.items():
            joined = await self._result(flight)
            loaded[key] = joined.documents[key]
            if not joined.newest:
                uncertain.append(key)
        return loaded, uncertain

    async def _fly(self, keys: Collection[Key], flight: Future[Loaded]) -> Loaded:
        try:
            loaded = await self._load(keys)
        except BaseException as error:
            self._land(keys)
            flight.set_exception(error)
            raise
        self._land(keys)
        flight.set_result(loaded)
        return loaded

    def _land(self, keys: Collection[Key]) -> None:
        """Called before the result is set: a thread that then loads again must not join this load."""
        with self._lock:
            for key in keys:
                del self._under_way[key]

    @timing.noted("shared_load")
    async def _result(self, flight: Future[Loaded]) -> Loaded:
        try:
            return await settled(flight, time.monotonic() + deadline.left(self._wait_seconds))
        except TimeoutError:
            raise Unavailable from None
