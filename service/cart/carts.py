"""Operations on carts. Additions are batched; a single one is a batch of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from service.errors import Impossible, TooManyItems, TooManyLines, UnknownSku
from service.postgres import Call, Postgres, Statement

_SQL = Path(__file__).parent / "sql"
STATEMENTS = {path.stem: Statement.load(path) for path in sorted(_SQL.glob("*.sql"))}

_REFUSALS: dict[str, type[Impossible]] = {error.code: error for error in (UnknownSku, TooManyLines, TooManyItems)}


@dataclass(frozen=True, slots=True)
class Addition:
    """Adds ``count`` of a sku to a cart, which is created if it does not exist."""

    cart_id: UUID
    sku_id: int
    count: int


class Carts:
    """Carts in Postgres, of at most ``most_lines`` different skus. Every method raises PostgresUnavailable."""

    def __init__(self, postgres: Postgres, most_lines: int) -> None:
        self._postgres = postgres
        self._most_lines = most_lines

    def add(self, additions: Sequence[Addition]) -> list[Impossible | None]:
        """Make all possible additions in one transaction; for each, returns why it was refused, or None."""
        cart_ids = [str(addition.cart_id) for addition in additions]
        sku_ids = [addition.sku_id for addition in additions]
        counts = [addition.count for addition in additions]
        rows = self._postgres.run(
            Call(STATEMENTS["lock_carts"], (cart_ids, sku_ids)),
            Call(STATEMENTS["add_lines"], (cart_ids, sku_ids, counts, self._most_lines)),
        )
        return [_refusal(outcome) for (outcome,) in rows]

    def set(self, cart_id: UUID, sku_id: int, count: int) -> None:
        """Set the count (above 0) of a sku in a cart, which is created if needed.

        Raises UnknownSku, TooManyLines.
        """
        ((outcome,),) = self._postgres.run(
            Call(STATEMENTS["lock_carts"], ([str(cart_id)], [sku_id])),
            Call(STATEMENTS["set_line"], (str(cart_id), sku_id, count, self._most_lines)),
        )
        if refusal := _refusal(outcome):
            raise refusal

    def remove(self, cart_id: UUID, sku_id: int) -> None:
        """Remove a sku from a cart."""
        self._postgres.run(Call(STATEMENTS["remove_line"], (str(cart_id), sku_id)))

    def clear(self, cart_id: UUID) -> None:
        """Delete a cart."""
        self._postgres.run(Call(STATEMENTS["clear_cart"], (str(cart_id),)))

    def contents(self, cart_id: UUID) -> bytes:
        """The lines of a cart as JSON: sku ids and counts."""
        return self._body("cart", cart_id)

    def priced(self, cart_id: UUID) -> bytes:
        """The lines of a cart as JSON, with names, prices and total from the catalogue as it is now."""
        return self._body("priced_cart", cart_id)

    def _body(self, name: str, cart_id: UUID) -> bytes:
        ((body,),) = self._postgres.run(Call(STATEMENTS[name], (str(cart_id),)))
        return str(body).encode()


def _refusal(outcome: str) -> Impossible | None:
    error = _REFUSALS.get(outcome)
    return error() if error else None
