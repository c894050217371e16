"""Delivers the outbox to the cache: a tombstone for each changed document, and the epoch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from service.cache.aside import TOMBSTONE_SECONDS
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.cache.redis import Redis
from service.cache.redis_store import Stored
from service.catalogue import Kind
from service.catalogue.database import ADOPT, OUTBOX_DONE, OUTBOX_ROWS
from service.coroutines import block_on
from service.errors import PartlyUnavailable, RedisUnavailable
from service.postgres import Call, Postgres

# A row has up to 1,000 products. Writing tombstones blocks Redis: those of 200 products for about 3 ms.
_ROWS = 64
_MOST_PRODUCTS = 200
# A Redis that was a replica for a moment may have another's data on the same connections: its identity is read again.
_IDENTITY_SECONDS = 1.0

Row = tuple[int, list[int], list[int], int, int]


class Outbox:
    """The pending invalidations of ``redis``: rows of a table in ``postgres``."""

    def __init__(self, postgres: Postgres, redis: Redis) -> None:
        self._postgres = postgres
        self._redis = redis
        self._newest_version = 0
        self._is_whole = True
        self._identity_until = 0.0
        self._products = _MOST_PRODUCTS  # per call; fewer where Redis was late
        self._positioned: tuple[Any, int] | None = None  # the incarnation and the epoch that have a position

    def drain(self) -> int:
        """Write a tombstone for every changed document; return the number of rows that named them.

        A row is deleted after Redis has its tombstones, in the round trip that reads the next rows. If it is killed, or
        another invalidator runs too, some tombstones are written twice, which changes nothing. While a part of a
        cluster fails the others get every tombstone, and no row is deleted. Raises PostgresUnavailable,
        RedisUnavailable.
        """
        self._is_whole = True
        self._adopt()
        done: list[int] = []
        last = drained = 0
        while rows := self._next_rows(done, last):
            self._invalidate(rows)
            drained += len(rows)
            # Where they are deleted, a row that was committed late may have a lower number than these.
            done, last = ([number for number, *_ in rows], 0) if self._is_whole else ([], rows[-1][0])
        if not self._is_whole:
            raise PartlyUnavailable
        return drained

    def _next_rows(self, done: list[int], last: int) -> list[Row]:
        """The next rows, their position raised: replicas that lack them are not read once they are announced."""
        incarnation = self._redis.incarnation
        rows = block_on(self._postgres.run(Call(OUTBOX_DONE, (done,)), Call(OUTBOX_ROWS, (_ROWS, last))))
        if rows:
            *_, epoch, written = max(rows, key=lambda row: row[3:])
            self._raise_position(incarnation, epoch, written)
        return rows

    def _adopt(self) -> None:
        """Write the epoch; it is raised first if the database is behind what Redis or this process knows."""
        if (now := time.monotonic()) > self._identity_until:
            self._redis.renew()
            self._identity_until = now + _IDENTITY_SECONDS
        incarnation = self._redis.incarnation
        # A load in between, or this database has lost one; or what was read before an incarnation says nothing in it.
        if self._write_epoch() < self._redis.epoch or self._redis.incarnation != incarnation:
            self._write_epoch()

    def _write_epoch(self) -> int:
        """Write the epoch and, at first, how far the log is written: replicas are of use from then on.

        Later the position rises with what is announced alone, however far the log goes on.
        """
        incarnation = self._redis.incarnation
        ((epoch, written),) = block_on(self._postgres.run(Call(ADOPT, (self._redis.epoch, self._newest_version))))
        self._write(epoch, [])
        if incarnation == self._redis.incarnation and self._positioned != (incarnation, epoch):
            self._raise_position(incarnation, epoch, written)
            self._positioned = incarnation, epoch
        return int(epoch)

    def _raise_position(self, incarnation: Any, epoch: int, written: int) -> None:
        """Raises RedisUnavailable in another incarnation: what was read before it began has to be read again."""
        if not block_on(self._redis.raise_position(incarnation, epoch, written)):
            raise RedisUnavailable

    def _invalidate(self, rows: Iterable[Row]) -> None:
        newest = {  # rows are in order: the last one counts
            product_id: (epoch, version)
            for _, product_ids, versions, epoch, _ in rows
            for product_id, version in zip(product_ids, versions, strict=True)
        }
        self._newest_version = max(self._newest_version, *(version for _, version in newest.values()))
        changed = list(newest.items())
        for first in range(0, len(changed), self._products):
            self._put(changed[first : first + self._products])
        self._products = min(2 * self._products, _MOST_PRODUCTS)

    def _put(self, some: Sequence[tuple[int, tuple[int, int]]]) -> None:
        tombstones = [
            (entry_name(kind, product_id), tombstone, TOMBSTONE_SECONDS)
            for product_id, order in some
            for tombstone in (Entry(State.TOMBSTONE, *order).encode(),)
            for kind in Kind
        ]
        try:
            self._write(max(epoch for _, (epoch, _) in some), tombstones)
        except RedisUnavailable:
            self._products = max(1, self._products // 2)
            raise

    def _write(self, epoch: int, tombstones: Sequence[Stored]) -> None:
        try:
            block_on(self._redis.put(epoch, tombstones))
        except PartlyUnavailable:
            self._is_whole = False
