"""What Redis holds before a round: every document of a kind, under the names that each server uses, or nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import mean

import redis

from deploy.local import probes
from deploy.local.processes import StackError
from service.cache.keys import EPOCH, entry_name
from service.catalogue import Document, Key, Kind, page
from service.coroutines import block_on
from service.resources import Resources
from service.settings import Settings

OUR_KEYS, EXPRESS_KEYS, FASTAPI_KEYS = EPOCH.partition(":")[0], "bench-express", "bench-fastapi"
"""What names in Redis begin with."""
_PEERS = (EXPRESS_KEYS, FASTAPI_KEYS)
_PREFIXES = (OUR_KEYS, *_PEERS)
_KEEP_SECONDS = 3600
LIFETIME = {"CACHE_FRESH_SECONDS": str(_KEEP_SECONDS)}
"""Settings with which ours keeps a document as long as the peers, so that no round of a warm row refreshes anything."""
_BATCH = 500
_LAST_FIFTH = Path(__file__).with_name("last_fifth.sql")
_PER_ENTRY_BYTES = 250  # of Redis itself, the name and the envelope, generously
_SHARE_OF_MEMORY = 0.8
_PAGES = 20_000


def last_fifth(database_url: str) -> list[int]:
    """The ids of the last fifth of all products; raises StackError if there are none."""
    with probes.query(database_url) as cursor:
        cursor.execute(_LAST_FIFTH.read_text("utf-8"))
        ids = [row[0] for row in cursor.fetchall()]
    if not ids:
        raise StackError("the catalogue is empty: make seed")
    return ids


class Warmth:
    """Fills and empties the cache of all servers; ``settings`` are those of the running stack."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        patient = {"POSTGRES_TIMEOUT_SECONDS": "60", "REDIS_TIMEOUT_SECONDS": "10"}
        self._resources = Resources.open(Settings.from_env({**settings, **LIFETIME, **patient}))
        self._redis = redis.Redis.from_url(settings["REDIS_URL"], socket_timeout=10, protocol=2)

    def close(self) -> None:
        """Empty the cache and disconnect."""
        self.clear()
        self._resources.close()
        self._redis.close()

    def clear(self, prefixes: Iterable[str] = _PREFIXES) -> None:
        """Delete the entries of these servers."""
        for prefix in prefixes:
            names = self._redis.scan_iter(match=f"{prefix}:*", count=10_000)
            while some := list(islice(names, 10_000)):
                self._redis.unlink(*some)

    def mean_bytes(self, kind: Kind, ids: Sequence[int]) -> int:
        """Size of an average document of these products."""
        sample = ids[:: max(1, len(ids) // 1000)]
        return round(
            mean(len(one.plain_body() or b"") for batch in _batches(sample) for one in self._load(kind, batch))
        )

    def that_fit(self, kind: Kind, ids: Sequence[int]) -> Sequence[int]:
        """The last of these ids, as many as an empty Redis has room for under all names."""
        info = self._redis.info("memory")
        if not info["maxmemory"]:
            return ids
        room = _SHARE_OF_MEMORY * (info["maxmemory"] - info["used_memory"])
        return ids[-int(room / len(_PREFIXES) / (self.mean_bytes(kind, ids) + _PER_ENTRY_BYTES)) :]

    def fill(self, kind: Kind, ids: Sequence[int]) -> Sequence[int]:
        """Empty the cache, then store what fits under all names, and return those ids.

        Raises StackError if Redis does not keep it.
        """
        self.clear()
        ids = self.that_fit(kind, ids)
        for batch in _batches(ids):
            pipe = self._redis.pipeline(transaction=False)
            for product_id, one in zip(batch, self._load(kind, batch), strict=True):
                for peer in _PEERS:
                    pipe.set(f"{peer}:{kind}:{product_id}", one.plain_body() or b"", ex=_KEEP_SECONDS)
            pipe.execute()
        for batch in _batches(ids):
            names = [
                name for each in batch for name in (entry_name(kind, each), *(f"{p}:{kind}:{each}" for p in _PEERS))
            ]
            if self._redis.exists(*names) != len(names):
                raise StackError("Redis did not keep what the rounds need: give it more memory")
        return ids

    def fill_pages(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """Empty the cache, then store what the pages of some products show, and what they had to ask for before.

        Return the related products of each. Raises StackError if Redis does not keep it.
        """
        self.clear()
        related: dict[int, list[int]] = {}
        for batch in _batches(ids[-_PAGES:]):
            own = {product_id: self._documents(page.own_keys(product_id)) for product_id in batch}
            for product_id, documents in own.items():
                related[product_id] = [key.product_id for key in page.summary_keys(documents[-1])]
            others = {each for product_id in batch for each in related[product_id]}
            self._documents([Key(kind, each) for each in others for kind in (Kind.PRODUCT, Kind.STYLES, Kind.SUMMARY)])
        names = [entry_name(kind, each) for each in related for kind in (Kind.PRODUCT, Kind.STYLES, Kind.RELATED)]
        if self._redis.exists(*names) != len(names):
            raise StackError("Redis did not keep what the rounds need: give it more memory")
        return related

    def _load(self, kind: Kind, ids: Sequence[int]) -> list[Document]:
        return self._documents([Key(kind, product_id) for product_id in ids])

    def _documents(self, keys: Sequence[Key]) -> list[Document]:
        found = block_on(self._resources.catalogue.documents(keys))
        return [found[key] for key in keys]


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
