"""Cache-aside in front of any catalogue."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from socket import socket

from service.cache.aside import CacheAside
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.catalogue import Catalogue, Document, Key, Kind
from service.catalogue.background_queue import BackgroundQueue
from service.catalogue.shadow import Shadow
from service.catalogue.single_flight import Loaded, SingleFlight
from service.errors import RedisUnavailable
from service.metrics import Metrics


class CachedCatalogue:
    """Serves hits from the cache and reads misses from ``source``, which fills the cache.

    ``wait_seconds`` is the longest that ``source`` takes: the timeout of threads that share another's read. A
    ``shadow_share`` of the hits, from 0 to 1, is verified against the source in the background.
    """

    def __init__(
        self, source: Catalogue, cache: CacheAside, metrics: Metrics, wait_seconds: float, shadow_share: float = 0.0
    ) -> None:
        self._source = source
        self._cache = cache
        self._metrics = metrics
        self._loop_is_connected = False
        self._single_flight = SingleFlight(self._load_and_fill, wait_seconds)
        self._refresher = BackgroundQueue("refreshing", self._single_flight.load)
        self._shadow = Shadow(shadow_share, source, self._look_up, cache.catch_up.pending, metrics.shadow)

    def documents(self, keys: Collection[Key]) -> Mapping[Key, Document]:
        """Every key's document. A failure of the cache is a miss: raises only what ``source`` raises."""
        wanted = list(dict.fromkeys(keys))
        try:
            found = self._counted(wanted, self._look_up(wanted))
        except RedisUnavailable:
            return self.load(wanted, "bypass")
        served = {key: one for key, one in zip(wanted, found, strict=True) if one is not None}
        if len(served) < len(wanted):
            served.update(self.load([key for key in wanted if key not in served]))
        return served

    def load(self, keys: Collection[Key], outcome: str = "miss") -> dict[Key, Document]:
        """Every key's document from ``source``, after a miss. Raises what ``source`` raises."""
        found = self._single_flight.load(keys).items()
        loaded = {key: Document(*one[:4], outcome, one.is_gzipped) for key, one in found}
        self._count(loaded.keys(), loaded.values())
        return loaded

    @property
    def cache_is_down(self) -> bool:
        """Whether the breaker is open: the last call to the cache failed, and the next may run into its deadline."""
        return self._cache.catch_up.breaker.is_open

    @property
    def is_ready(self) -> bool:
        """Whether the event loop can look up; else a thread has to, which also tries whether the cache is back."""
        return self._loop_is_connected and not self.cache_is_down

    def begin(self, keys: Sequence[Key]) -> socket | None:
        """Begin to look these up in the cache, in the event loop; ``receive`` ends it.

        Returns the socket that becomes readable then, None if the loop cannot reach the cache now. Raises
        RedisUnavailable.
        """
        connected = None if self.cache_is_down else self._cache.begin(_names(keys))
        self._loop_is_connected = connected is not None
        return connected

    def receive(self, keys: Sequence[Key]) -> list[Document | None] | None:
        """What the cache has of the keys of the last ``begin``, None until it arrives. Raises RedisUnavailable."""
        found = self._cache.receive()
        if found is None:
            return None
        if self.cache_is_down:  # failed since ``begin``: its reply may predate an invalidation that it missed
            raise RedisUnavailable
        return self._counted(keys, found)

    def abandon(self) -> None:
        """Give up on the last ``begin``."""
        self._cache.abandon()

    def close(self) -> None:
        """Stop the background queues."""
        self._refresher.close()
        self._shadow.close()

    def _look_up(self, keys: Sequence[Key]) -> list[Document | None]:
        return self._cache.look_up(_names(keys))

    def _load_and_fill(self, keys: Collection[Key]) -> Loaded:
        began, incarnation, was_down = time.monotonic(), self._cache.incarnation(), self.cache_is_down
        documents = {key: one.compressed() for key, one in self._source.documents(keys).items()}
        entries = {entry_name(*key): self._entry(document) for key, document in documents.items()}
        stored = self._cache.fill(entries, began, incarnation)
        self._metrics.fills.add(("stored",), stored)
        self._metrics.fills.add(("refused",), len(entries) - stored)
        # What the cache refuses may be older than what it has. While it is down, nothing else was served meanwhile.
        newest = stored == len(entries) or (was_down and self.cache_is_down)
        return Loaded(documents, newest)

    def _entry(self, document: Document) -> Entry:
        body, etag, epoch, version, _, is_gzipped = document
        state = State.MISSING if body is None else State.PRESENT
        until = self._cache.fresh_until(state)
        return Entry(state, epoch, version, until, etag, body or b"", is_gzipped=is_gzipped)

    def _counted(self, keys: Sequence[Key], found: list[Document | None]) -> list[Document | None]:
        """What was found, counted; stale documents and a sample of the hits go to the background queues."""
        counts = self._count(keys, found)
        if any(outcome == "stale" for _, outcome in counts):
            self._refresher.ask([key for key, one in zip(keys, found, strict=True) if one and one.outcome == "stale"])
        self._shadow.sample(keys, found)
        return found

    def _count(self, keys: Iterable[Key], served: Iterable[Document | None]) -> Iterable[tuple[Kind, str]]:
        counts = Counter([(key[0], one[4]) for key, one in zip(keys, served, strict=True) if one is not None])
        for labels, count in counts.items():
            self._metrics.documents.add(labels, count)
        return counts


def _names(keys: Iterable[Key]) -> list[str]:
    return [entry_name(*key) for key in keys]
