"""Cache-aside in front of any catalogue."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from service.cache.aside import CacheAside
from service.cache.cluster_cache import ClusterCache
from service.cache.entry import Entry, State
from service.cache.keys import entry_name, entry_names
from service.catalogue import Catalogue, Document, Key
from service.catalogue.background_queue import BackgroundQueue
from service.catalogue.page import ends_of
from service.catalogue.shadow import Shadow
from service.catalogue.single_flight import Loaded, SingleFlight
from service.coroutines import block_on, turn
from service.errors import RedisUnavailable
from service.metrics import Metrics

# Long work in the event loop is done in parts: so much of documents is compressed in some 0.2 ms.
_BYTES_A_TURN = 32768


class CachedCatalogue:
    """Serves hits from the cache and reads misses from ``source``, which fills the cache.

    ``wait_seconds`` is the longest that ``source`` takes: the timeout of those who share another's read. A
    ``shadow_share`` of the hits, from 0 to 1, is verified against the source in the background.
    """

    def __init__(
        self,
        source: Catalogue,
        cache: CacheAside | ClusterCache,
        metrics: Metrics,
        wait_seconds: float,
        shadow_share: float = 0.0,
    ) -> None:
        self._source = source
        self._cache = cache
        self._metrics = metrics
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
        bypassed = {key for key in keys if self._cache.bypasses((entry_name(*key),))} if self.cache_is_down else ()
        self._metrics.missed.saw(keys)
        loaded = await self._single_flight.load(keys)
        for key in bypassed:
            loaded[key] = loaded[key]._replace(outcome="bypass")
        return loaded

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

    async def _load_and_fill(self, keys: Collection[Key]) -> Loaded:
        names = entry_names(keys)
        began = time.monotonic()
        incarnation: Any = await self._cache.incarnation()  # the cache knows what it is
        was_down = self._cache.bypasses(names)
        documents, entries, processed = {}, {}, 0
        self._metrics.loads.add()
        for key, one in (await self._source.documents(keys)).items():
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
