"""Additions to carts, in batches: one transaction for all; each is made, refused, or repeats an earlier answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from service.errors import (
    KeyReused,
    KeyUnderWay,
    LockTimeout,
    ServiceError,
    TooManyItems,
    TooManyLines,
    Unavailable,
    UnknownSku,
)
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
    error.code: error for error in (UnknownSku, TooManyLines, TooManyItems, KeyReused, KeyUnderWay, Unavailable)
}


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

    def __init__(self, postgres: Postgres, most_lines: int, most_items: int) -> None:
        self._postgres = postgres
        self._limits = most_lines, most_items

    async def add(self, additions: Sequence[Addition]) -> list[Outcome]:
        """Make all that are possible, in one transaction; return the outcome of each. Raises PostgresUnavailable."""
        outcomes: list[Outcome] = [Outcome(KeyUnderWay())] * len(additions)
        waiting = _first_of_each_key(additions)
        while waiting:
            rows = await self._made([additions[place] for place in waiting])
            coded = [(additions[place], code) for place, (code, _) in zip(waiting, rows, strict=True)]
            again = _indices_to_try_again(coded)
            await self._remember_refusals(
                [each for index, each in enumerate(coded) if index not in again and not rows[index][1]]
            )
            for index, (code, is_replayed) in enumerate(rows):
                outcomes[waiting[index]] = Outcome(refusal(code, is_replayed=is_replayed), is_replayed)
            waiting = [waiting[index] for index in again]
        return outcomes

    async def _made(self, additions: Sequence[Addition]) -> list[tuple[str, bool]]:
        """The outcomes of one transaction, or of one for each cart where somebody else has locked one for long."""
        try:
            return await self._run(additions)
        except LockTimeout:
            carts = {addition.cart_id for addition in additions}
            if len(carts) == 1:
                return [(Unavailable.code, False)] * len(additions)
        rows: list[tuple[str, bool]] = [("", False)] * len(additions)
        for cart_id in carts:
            places = [place for place, addition in enumerate(additions) if addition.cart_id == cart_id]
            for place, row in zip(places, await self._made([additions[place] for place in places]), strict=True):
                rows[place] = row
        return rows

    async def _run(self, additions: Sequence[Addition]) -> list[tuple[str, bool]]:
        cart_ids = [str(addition.cart_id) for addition in additions]
        sku_ids = [addition.sku_id for addition in additions]
        counts = [addition.pieces for addition in additions]
        keys = [addition.key for addition in additions]
        wait = Call(LOCK_TIMEOUT, (_LOCK_TIMEOUT,))
        claim = [Call(CLAIM_KEYS, (cart_ids, keys))] if any(keys) else []
        lock = Call(LOCK_CARTS, (cart_ids, sku_ids))
        add = Call(ADD_LINES, (cart_ids, sku_ids, counts, keys, *self._limits))
        return [(code.decode(), is_replayed) for code, is_replayed in await self._postgres.run(wait, *claim, lock, add)]

    async def _remember_refusals(self, ended: Iterable[tuple[Addition, str]]) -> None:
        """Those that were made are remembered in their transaction. A refusal changes nothing, and may follow it."""
        refused = [(str(one.cart_id), one.key, *one[1:3], code) for one, code in ended if one.key and code in _KEPT]
        if refused:
            await self._postgres.run(Call(REMEMBER_REFUSALS, [list(column) for column in zip(*refused, strict=True)]))


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


def _indices_to_try_again(coded: Sequence[tuple[Addition, str]]) -> list[int]:
    """Indices of refusals that may be due to an earlier one of the same cart, which then took no room after all.

    The same addition as the first that was refused in its cart has no more room than that.
    """
    first: dict[UUID, tuple[int, int]] = {}
    return [
        index
        for index, ((cart_id, sku_id, pieces, _), code) in enumerate(coded)
        if code in _FULL and first.setdefault(cart_id, (sku_id, pieces)) != (sku_id, pieces)
    ]
