"""Brings what the outbox holds into the cache: a tombstone for each changed document, and the epoch."""

from __future__ import annotations

from collections.abc import Iterable

from service.cache.aside import TOMBSTONE_SECONDS
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.cache.redis_store import RedisStore
from service.catalogue import Kind
from service.catalogue.database import EPOCH, OUTBOX_DONE, OUTBOX_ROWS
from service.postgres import Call, Postgres

_BATCH = 250


class Outbox:
    """The changes in ``postgres`` that ``redis`` has not been told of."""

    def __init__(self, postgres: Postgres, redis: RedisStore) -> None:
        self._postgres = postgres
        self._redis = redis

    def drain(self) -> int:
        """Tell Redis of everything; return how many rows that was. Raises PostgresUnavailable, RedisUnavailable.

        A row is deleted after Redis has taken its tombstones. Stopped at any instant, or beside another process that
        does the same, it tells twice what it told already, and that changes nothing.
        """
        ((epoch,),) = self._postgres.run(Call(EPOCH))
        self._redis.put(epoch, [])
        drained = 0
        while rows := self._postgres.run(Call(OUTBOX_ROWS, (_BATCH,))):
            newest = {product_id: (at, version) for _, product_id, version, at in rows}  # in order: the last one counts
            self._redis.put(
                max(epoch, *(row[3] for row in rows)),
                [
                    (entry_name(kind, product_id), tombstone, TOMBSTONE_SECONDS)
                    for product_id, tombstone in _tombstones(newest.items())
                    for kind in Kind
                ],
            )
            self._postgres.run(Call(OUTBOX_DONE, ([row[0] for row in rows],)))
            drained += len(rows)
        return drained


def _tombstones(newest: Iterable[tuple[int, tuple[int, int]]]) -> Iterable[tuple[int, bytes]]:
    for product_id, (epoch, version) in newest:
        yield product_id, Entry(State.TOMBSTONE, epoch, version).encode()
