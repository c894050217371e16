"""Additions to carts, in batches: one transaction for all; each is made, refused, or repeats an earlier answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from service.errors import (
    KeyReused,
    KeyUnderWay,
    LockTimeout,
    PostgresUnavailable,
    ServiceError,
    TooManyItems,
    TooManyLines,
    UnknownSku,
)
from service.metrics import Metrics
from service.postgres import Call, Postgres, Statement

_SQL = Path(__file__).parent / "sql"
LOCK_TIMEOUT, CLAIM_KEYS, LOCK_CARTS, ADD_LINES, REMEMBER_REFUSALS = (
    Statement.load(_SQL / f"{name}.sql")
    for name in ("lock_timeout", "claim_keys", "lock_carts", "add_lines", "remember_refusals")
)

# Another instance's batch locks a cart for as long as a commit takes. Who holds one for longer must not hold up the
# other carts of a batch.
_LOCK_TIMEOUT = "250ms"

_FULL = (TooManyLines.code, TooManyItems.code)
_KEPT = (UnknownSku.code, *_FULL)
_REFUSALS: dict[str, type[ServiceError]] = {
    error.code: error for error in (UnknownSku, TooManyLines, TooManyItems, KeyReused, KeyUnderWay, PostgresUnavailable)
}

Row = tuple[str, bool]
"""The code of an outcome, and whether it repeats an earlier one."""

_UNDER_WAY: Row = (KeyUnderWay.code, False)
_UNAVAILABLE: Row = (PostgresUnavailable.code, False)


class Addition(NamedTuple):
    """Adds ``pieces`` of a sku to a cart, which is created if it does not exist; once for a ``key``, if it has one."""

    cart_id: UUID
    sku_id: int
    pieces: int
    key: str | None = None


class Outcome(NamedTuple):
    """Why an addition was refused, None if it was made; and whether that repeats the answer to an earlier one."""

    refusal: ServiceError | None
    is_replayed: bool = False


class Additions:
    """Adds to carts of at most ``most_lines`` different skus with ``most_items`` of each."""

    def __init__(self, postgres: Postgres, most_lines: int, most_items: int, metrics: Metrics) -> None:
        self._postgres = postgres
        self._metrics = metrics
        self._limits = most_lines, most_items

    async def add(self, additions: Sequence[Addition]) -> list[Outcome]:
        """Make all that are possible, in one transaction; return the outcome of each.

        PostgresUnavailable is one too, after which the addition may have been made or not.
        """
        outcomes = [_UNDER_WAY] * len(additions)
        waiting = _first_of_each_key(additions)
        while waiting:
            wanted = [additions[place] for place in waiting]
            rows = await self._made(wanted)
            again = _indices_to_try_again(wanted, rows)
            for index, row in enumerate(await self._remembered(wanted, rows, again)):
                outcomes[waiting[index]] = row
            waiting = [waiting[index] for index in again]
        self._count(outcomes)
        return [Outcome(refusal(code, is_replayed=replayed), replayed) for code, replayed in outcomes]

    def _count(self, outcomes: Sequence[Row]) -> None:
        for outcome, count in Counter(map(_outcome, outcomes)).items():
            self._metrics.additions.add((outcome,), count)

    async def _made(self, additions: Sequence[Addition]) -> list[Row]:
        """The outcomes of one transaction, or of one for each cart where somebody else has locked one for long."""
        try:
            return await self._run(additions)
        except LockTimeout:
            return await self._made_one_by_one(additions)
        except PostgresUnavailable:
            return [_UNAVAILABLE] * len(additions)

    async def _made_one_by_one(self, additions: Sequence[Addition]) -> list[Row]:
        """Each cart in a transaction of its own; only the locked ones are not available."""
        carts = list(dict.fromkeys(addition.cart_id for addition in additions))
        if len(carts) == 1:
            return [_UNAVAILABLE] * len(additions)
        found = {}
        for cart_id in carts:
            found[cart_id] = iter(await self._made([each for each in additions if each.cart_id == cart_id]))
        return [next(found[addition.cart_id]) for addition in additions]

    async def _run(self, additions: Sequence[Addition]) -> list[Row]:
        cart_ids = [str(addition.cart_id) for addition in additions]
        sku_ids = [addition.sku_id for addition in additions]
        counts = [addition.pieces for addition in additions]
        keys = [addition.key for addition in additions]
        wait = Call(LOCK_TIMEOUT, (_LOCK_TIMEOUT,))
        claim = [Call(CLAIM_KEYS, (cart_ids, keys))] if any(keys) else []
        lock = Call(LOCK_CARTS, (cart_ids, sku_ids))
        self._metrics.batches.add()
        add = Call(ADD_LINES, (cart_ids, sku_ids, counts, keys, *self._limits))
        return [(code.decode(), is_replayed) for code, is_replayed in await self._postgres.run(wait, *claim, lock, add)]

    async def _remembered(self, additions: Sequence[Addition], rows: list[Row], again: Collection[int]) -> list[Row]:
        """The same rows, after refusals that came with a key have been stored.

        What was made is stored in its transaction. A refusal changes nothing, and may follow it; where it cannot be
        stored the addition is not available.
        """
        refused = {
            index: (str(one.cart_id), one.key, one.sku_id, one.pieces, rows[index][0])
            for index, one in enumerate(additions)
            if one.key is not None and rows[index][0] in _KEPT and not rows[index][1] and index not in again
        }
        if refused:
            columns = [list(column) for column in zip(*refused.values(), strict=True)]
            try:
                await self._postgres.run(Call(REMEMBER_REFUSALS, columns))
            except PostgresUnavailable:
                return [_UNAVAILABLE if index in refused else row for index, row in enumerate(rows)]
        return rows


def _outcome(row: Row) -> str:
    code, is_replayed = row
    if code == PostgresUnavailable.code:
        return "unavailable"
    return "replayed" if is_replayed else "refused" if code in _REFUSALS else "made"


def refusal(code: str, *, is_replayed: bool = False) -> ServiceError | None:
    """The error of an outcome, None for one that is none."""
    if code not in _REFUSALS:
        return None
    error = _REFUSALS[code]()
    error.is_replayed = is_replayed
    return error


def _first_of_each_key(additions: Sequence[Addition]) -> list[int]:
    """Places of the additions; of those with the same key in the same cart, of the first only."""
    seen: set[tuple[UUID, str]] = set()
    places = []
    for place, (cart_id, _, _, key) in enumerate(additions):
        if key is not None:
            if (cart_id, key) in seen:
                continue
            seen.add((cart_id, key))
        places.append(place)
    return places


def _indices_to_try_again(additions: Sequence[Addition], rows: Sequence[Row]) -> list[int]:
    """Indices of refusals that may be due to an earlier one of the same cart, which then took no room after all.

    The same addition as the first that was refused in its cart has no more room than that.
    """
    first: dict[UUID, tuple[int, int]] = {}
    return [
        index
        for index, ((cart_id, sku_id, pieces, _), (code, is_replayed)) in enumerate(zip(additions, rows, strict=True))
        if code in _FULL and not is_replayed and first.setdefault(cart_id, (sku_id, pieces)) != (sku_id, pieces)
    ]
