"""The catalogue behind its cache: any catalogue wrapped with cache-aside."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from service.cache.aside import CacheAside
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.catalogue import Catalogue, Document, Key
from service.catalogue.flights import Flights
from service.catalogue.refresher import Refresher
from service.errors import RedisUnavailable
from service.metrics import Metrics


class CachedCatalogue:
    """Answers from the cache what it has, and the rest from ``source``, which fills the cache.

    ``wait_seconds`` is the longest that ``source`` takes: a deadline for threads that share another's load.
    """

    def __init__(self, source: Catalogue, cache: CacheAside, metrics: Metrics, wait_seconds: float) -> None:
        self._source = source
        self._cache = cache
        self._metrics = metrics
        self._flights = Flights(self._load_and_fill, wait_seconds)
        self._refresher = Refresher(self._flights.load)

    def documents(self, keys: Collection[Key]) -> Mapping[Key, Document]:
        """Every key's document. The cache is never a reason to fail: raises only what ``source`` raises."""
        try:
            served = self.look_up(keys)
        except RedisUnavailable:
            return self.load(dict.fromkeys(keys), "bypass")
        if missing := [key for key in dict.fromkeys(keys) if key not in served]:
            served.update(self.load(missing))
        return served

    def load(self, keys: Collection[Key], outcome: str = "miss") -> dict[Key, Document]:
        """These, without asking the cache again. Raises what ``source`` raises."""
        found = self._flights.load(keys).items()
        loaded = {key: Document(one.body, one.etag, one.epoch, one.version, outcome) for key, one in found}
        self._count(loaded)
        return loaded

    @property
    def cache_is_down(self) -> bool:
        """Whether the last call to the cache failed; then the next one may wait for its deadline."""
        return self._cache.breaker.is_open

    def look_up(self, keys: Collection[Key]) -> dict[Key, Document]:
        """What the cache has of these. Raises RedisUnavailable."""
        found = zip(keys, self._cache.look_up([entry_name(*key) for key in keys]), strict=True)
        served, stale = {}, []
        for key, one in found:
            if one is not None:
                served[key] = _document(*one)
                if one.stale:
                    stale.append(key)
        if stale:
            self._refresher.ask(stale)
        self._count(served)
        return served

    def close(self) -> None:
        """Stop refreshing."""
        self._refresher.close()

    def _load_and_fill(self, keys: Collection[Key]) -> Mapping[Key, Document]:
        began = time.monotonic()
        documents = self._source.documents(keys)
        entries = {entry_name(*key): self._entry(document) for key, document in documents.items()}
        stored = self._cache.fill(entries, began)
        self._metrics.fills.labels("stored").inc(stored)
        self._metrics.fills.labels("refused").inc(len(entries) - stored)
        return documents

    def _entry(self, document: Document) -> Entry:
        state = State.MISSING if document.body is None else State.PRESENT
        until = self._cache.fresh_until(state)
        return Entry(state, document.epoch, document.version, until, document.etag, document.body or b"")

    def _count(self, served: Mapping[Key, Document]) -> None:
        counts: dict[tuple[str, str], int] = {}
        for key, one in served.items():
            labels: tuple[str, str] = (key.kind, one.outcome)
            counts[labels] = counts.get(labels, 0) + 1
        for labels, count in counts.items():
            self._metrics.documents.labels(*labels).inc(count)


def _document(entry: Entry, stale: bool) -> Document:
    body = None if entry.state is State.MISSING else entry.body
    return Document(body, entry.etag, entry.epoch, entry.version, "stale" if stale else "hit")
