"""Cache-aside in front of any catalogue."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from service import deadline
from service.cache.aside import CacheAside
from service.cache.cluster_cache import ClusterCache
from service.cache.entry import Entry, State
from service.cache.keys import entry_name, entry_names
from service.cache.position import Position
from service.catalogue import Catalogue, Document, Key
from service.catalogue.background_queue import BackgroundQueue
from service.catalogue.page import ends_of
from service.catalogue.shadow import Shadow
from service.catalogue.single_flight import Loaded, SingleFlight
from service.coroutines import block_on, turn
from service.errors import RedisUnavailable, Unavailable
from service.metrics import Metrics

Read = Callable[[Collection[Key], Any], Awaitable[Mapping[Key, Document]]]
"""A source's documents of keys, to be stored in an incarnation of the cache."""

# Long work in the event loop is done in parts: so much of documents is compressed in some 0.2 ms.
_BYTES_A_TURN = 32768


class CachedCatalogue:
    """Serves hits from the cache and reads misses from ``source``, which fills the cache.

    ``wait_seconds`` is the longest that ``source`` takes: the timeout of those who share another's read. A
    ``shadow_share`` of the hits, from 0 to 1, is verified against the source in the background.

    With ``replicas``, which give the catalogue as those have it that have replayed a position, misses are read there.
    What they do not have is read from the source: they lag, so that a product may have come since. So is what the cache
    refuses of theirs: it may be older than what was served or announced.
    """

    def __init__(
        self,
        source: Catalogue,
        cache: CacheAside | ClusterCache,
        metrics: Metrics,
        wait_seconds: float,
        shadow_share: float = 0.0,
        replicas: Callable[[Position | None], Catalogue] | None = None,
    ) -> None:
        self._source = source
        self._cache = cache
        self._metrics = metrics
        self._replicas = replicas
        self._wait_seconds = wait_seconds
        self._single_flight = SingleFlight(self._load_and_fill, wait_seconds, metrics.load_keys)
        self._refresher = BackgroundQueue("refreshing", self._refresh)
        self._shadow = Shadow(shadow_share, source, self._found, cache.pending, metrics.shadow)

    async def documents(self, keys: Collection[Key]) -> Mapping[Key, Document]:
        """Every key's document, counted. A failure of the cache is a miss: raises only what ``source`` raises."""
        wanted, began = list(dict.fromkeys(keys)), time.monotonic()
        served: dict[Key, Document] = {}
        with suppress(RedisUnavailable):
            found = await self.look_up(wanted)
            self._metrics.traffic.look_ups.observe(time.monotonic() - began)
            served = {key: one for key, one in zip(wanted, found, strict=True) if one is not None}
        if len(served) < len(wanted):
            served.update(await self.load([key for key in wanted if key not in served]))
        self._metrics.traffic.count_documents(served.items())
        return served

    async def look_up(self, keys: Sequence[Key]) -> list[Document | None]:
        """What may be served from the cache; the caller counts it. Raises RedisUnavailable.

        Stale documents and a sample of the hits go to the background queues.
        """
        found = await self._found(keys)
        self._metrics.hottest.saw(keys)
        if stale := [key for key, one in zip(keys, found, strict=True) if one is not None and one[4] == "stale"]:
            self._refresher.ask(stale)
        self._shadow.sample(keys, found)
        return found

    async def load(self, keys: Collection[Key]) -> dict[Key, Document]:
        """Every key's document from ``source``, after a look-up; the caller counts it. Raises what that raises."""
        bypassed = self._bypassed(keys)
        self._metrics.missed.saw(keys)
        loaded = await self._single_flight.load(keys)
        for key in bypassed:
            loaded[key] = loaded[key]._replace(outcome="bypass")
        return loaded

    @property
    def has_lanes(self) -> bool:
        """Whether the cache has several servers."""
        return isinstance(self._cache, ClusterCache)

    def lane(self, key: Key) -> int:
        """The number of the server that has a key: keys of one number are looked up in one call."""
        return self._cache.lane(entry_name(*key))

    @property
    def cache_is_down(self) -> bool:
        """Whether a circuit breaker is open: the last call to a store failed, or it has not caught up since."""
        return self._cache.is_down

    def close(self) -> None:
        """Stop the background queues."""
        self._refresher.close()
        self._shadow.close()

    async def _found(self, keys: Sequence[Key]) -> list[Document | None]:
        return await self._cache.look_up(entry_names(keys))

    def _refresh(self, keys: Collection[Key]) -> None:
        block_on(self._single_flight.load(keys))

    def _bypassed(self, keys: Collection[Key]) -> set[Key]:
        """Those of the keys whose servers are bypassed."""
        return {key for key in keys if self._cache.bypasses((entry_name(*key),))} if self.cache_is_down else set()

    async def _load_and_fill(self, keys: Collection[Key]) -> Loaded:
        if self._replicas is None:
            return await self._load_from(self._of_source, keys)
        with suppress(Unavailable), deadline.within(deadline.left(self._wait_seconds) / 2):
            return await self._load_from_any(keys)
        # A replica that was behind has caught up with a primary that fails, or follows another one: most often in time.
        return await self._load_from_any(keys)

    async def _load_from_any(self, keys: Collection[Key]) -> Loaded:
        """What replicas have, the rest from the source."""
        kept: dict[Key, Document] = {}
        for _ in range(2):  # again where a server of the cache failed meanwhile, or is back
            bypassed = self._bypassed(keys)
            for part in ([key for key in keys if key not in bypassed], bypassed):
                kept |= await self._newest_of_replicas([key for key in part if key not in kept])
            if self._bypassed(keys) == bypassed:
                break
        if len(kept) == len(keys):
            return Loaded(kept)
        rest = await self._load_from(self._of_source, [key for key in keys if key not in kept])
        return Loaded({**kept, **rest.documents}, rest.newest)

    async def _of_source(self, keys: Collection[Key], _incarnation: Any) -> Mapping[Key, Document]:
        return await self._source.documents(keys)

    async def _newest_of_replicas(self, keys: Collection[Key]) -> dict[Key, Document]:
        """Of the documents those that a replica has, if the cache has taken all of them, or is bypassed for all."""
        loaded = await self._load_from(self._of_replicas, keys) if keys else Loaded({})
        return dict(loaded.documents) if loaded.newest else {}

    async def _of_replicas(self, keys: Collection[Key], incarnation: Any) -> Mapping[Key, Document]:
        """Of the documents those that a replica has and that may be stored in this incarnation."""
        if self._replicas is None:
            return {}
        with suppress(Unavailable):
            position = await self._cache.position_of(entry_names(keys), incarnation)
            found = await self._replicas(position).documents(keys)
            return {key: one for key, one in found.items() if one.body is not None}
        return {}

    async def _load_from(self, read: Read, keys: Collection[Key]) -> Loaded:
        names = entry_names(keys)
        began = time.monotonic()
        incarnation: Any = await self._cache.incarnation()  # the cache knows what it is
        was_down = self._cache.bypasses(names)
        documents, entries, processed = {}, {}, 0
        self._metrics.loads.add()
        for key, one in (await read(keys, incarnation)).items():
            documents[key] = document = one.compressed(*map(len, ends_of(key)))
            entries[entry_name(*key)] = self._entry(document)
            processed += len(one.body or b"")
            if processed > _BYTES_A_TURN:
                processed = 0
                await turn()
        stored = await self._cache.fill(entries, began, incarnation)
        self._metrics.fills.add(("stored",), stored)
        self._metrics.fills.add(("refused",), len(entries) - stored)
        # What the cache refuses may be older than what it has. While it is down, nothing else was served meanwhile.
        newest = stored == len(entries) or (was_down and self._cache.bypasses(names))
        return Loaded(documents, newest)

    def _entry(self, document: Document) -> Entry:
        body, etag, epoch, version, _, is_gzipped = document
        state = State.MISSING if body is None else State.PRESENT
        until = self._cache.fresh_until(state)
        return Entry(state, epoch, version, until, etag, body or b"", is_gzipped=is_gzipped)
