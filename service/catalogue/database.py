"""The catalogue in Postgres: one aggregate query per kind, for any number of ids, with the JSON built there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from service.catalogue import Document, Key, Kind
from service.postgres import Call, Statement

_SQL = Path(__file__).parent / "sql"
DOCUMENTS = {kind: Statement.load(_SQL / f"{kind}.sql") for kind in Kind}
PAGE_IDS = Statement.load(_SQL / "page_ids.sql")
IDS_AFTER = Statement.load(_SQL / "ids_after.sql")
ADOPT = Statement.load(_SQL / "adopt.sql")
NOTIFY = Statement.load(_SQL / "notify.sql")
OUTBOX_ROWS = Statement.load(_SQL / "outbox_rows.sql")
OUTBOX_DONE = Statement.load(_SQL / "outbox_done.sql")
OUTBOX_SPAN = Statement.load(_SQL / "outbox_span.sql")
OUTBOX_LAG = Statement.load(_SQL / "outbox_lag.sql")
REPLAYED = Statement.load(_SQL / "replayed.sql")
OUTBOX_STATE = Statement.load(_SQL / "outbox_state.sql")

ADOPTION = Call(ADOPT, (0, 0))
"""The first call on each connection: it raises the epoch if the database has another history."""

MOST_COUNTED = 100_000
"""Pending invalidations, beyond which they are not counted any more."""

# The id of the row with the epoch in place of a version.
_EPOCH = 0
# The row of a product that does not exist: once created, it has a higher version.
_MISSING = (0, 0, None)
# Ids are integers above zero, which bounds the number of products.
_MOST_PRODUCTS = 2**31 - 1


def etag_of(body: bytes) -> str:
    """A strong validator, without its quotes: 16 hexadecimal digits that depend on nothing but the bytes."""
    return blake2b(body, digest_size=8).hexdigest()


class Runs(Protocol):
    """Postgres, or replicas of it."""

    async def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        """As ``Postgres.run``."""
        ...


class OutboxState(NamedTuple):
    """Pending invalidations up to MOST_COUNTED, the age of the oldest, how many there ever were; the epoch.

    ``flushed`` are the bytes of the log that standbys can have.
    """

    rows: int
    oldest_seconds: float
    ever: int
    epoch: int
    flushed: int


class DatabaseCatalogue:
    """Reads the catalogue from Postgres. Every method raises PostgresUnavailable."""

    def __init__(self, postgres: Runs) -> None:
        self._postgres = postgres

    async def documents(self, keys: Collection[Key]) -> Mapping[Key, Document]:
        """Every key's document, by one query per kind."""
        ids: dict[Kind, list[int]] = defaultdict(list)
        for kind, product_id in dict.fromkeys(keys):
            ids[kind].append(product_id)
        documents: dict[Key, Document] = {}
        for kind, wanted in ids.items():
            found = {row[0]: row for row in await self._postgres.run(Call(DOCUMENTS[kind], (wanted,)))}
            _, epoch, _ = found[_EPOCH]
            for product_id in wanted:
                _, version, body = found.get(product_id, _MISSING)
                documents[Key(kind, product_id)] = _document(epoch, version, body)
        return documents

    async def ids_on_page(self, page: int, size: int, count: int) -> tuple[list[int], bool]:
        """Ids of the first ``count`` products on a page of ``size``, ascending, and whether any follow.

        ``page`` counts from 1.
        """
        offset = (page - 1) * size
        if offset >= _MOST_PRODUCTS:
            return [], False
        return await self._ids(Call(PAGE_IDS, (count + 1, offset)), count)

    async def ids_after(self, product_id: int, count: int) -> tuple[list[int], bool]:
        """Ids of the ``count`` products that follow ``product_id``, ascending, and whether more follow."""
        return await self._ids(Call(IDS_AFTER, (count + 1, product_id)), count)

    async def pending_invalidations(self) -> tuple[int, int]:
        """Numbers of the oldest and the newest pending invalidation; zeros if there is none."""
        ((oldest, newest),) = await self._postgres.run(Call(OUTBOX_SPAN))
        return oldest, newest

    async def outbox_lag_seconds(self) -> float:
        """Age of the oldest pending invalidation, 0 if there is none."""
        ((seconds,),) = await self._postgres.run(Call(OUTBOX_LAG))
        return float(seconds)

    async def outbox_state(self) -> OutboxState:
        """How the outbox is now."""
        ((rows, seconds, ever, epoch, flushed),) = await self._postgres.run(Call(OUTBOX_STATE, (MOST_COUNTED,)))
        return OutboxState(rows, float(seconds), ever, epoch, flushed)

    async def _ids(self, call: Call, count: int) -> tuple[list[int], bool]:
        ids = [row[0] for row in await self._postgres.run(call)]
        return ids[:count], len(ids) > count


def _document(epoch: int, version: int, body: bytes | None) -> Document:
    return Document(body, etag_of(body) if body is not None else "", epoch, version, "miss")
