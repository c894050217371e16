"""Operations on carts."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from service.cart.additions import LOCK_CARTS, refusal
from service.postgres import Call, Postgres, Statement

_SQL = Path(__file__).parent / "sql"
SET_LINE, TOUCH_CART, REMOVE_LINE, CLEAR_CART, LOCK_BOTH, MERGE_CARTS, CART, PRICED_CART = (
    Statement.load(_SQL / f"{name}.sql")
    for name in (
        *("set_line", "touch_cart", "remove_line", "clear_cart", "lock_both", "merge_carts"),
        *("cart", "priced_cart"),
    )
)


class Carts:
    """Carts in Postgres, of at most ``most_lines`` different skus with ``most_items`` of each.

    Every method raises PostgresUnavailable. A cart is deleted when nobody has changed it for a while (service.sweeper):
    reading it does not count, so that reads write nothing.
    """

    def __init__(self, postgres: Postgres, most_lines: int, most_items: int) -> None:
        self._postgres = postgres
        self._limits = most_lines, most_items

    async def set(self, cart_id: UUID, sku_id: int, count: int) -> None:
        """Set the count (above 0) of a sku in a cart, which is created if needed.

        Raises UnknownSku, TooManyLines, TooManyItems.
        """
        ((outcome,),) = await self._postgres.run(
            Call(LOCK_CARTS, ([str(cart_id)], [sku_id])),
            Call(SET_LINE, (str(cart_id), sku_id, count, *self._limits)),
        )
        if error := refusal(outcome.decode()):
            raise error

    async def remove(self, cart_id: UUID, sku_id: int) -> None:
        """Remove a sku from a cart."""
        # The cart before its line, as others lock them: in one statement Postgres would choose the order.
        await self._postgres.run(Call(TOUCH_CART, (str(cart_id),)), Call(REMOVE_LINE, (str(cart_id), sku_id)))

    async def clear(self, cart_id: UUID) -> None:
        """Remove everything from a cart."""
        await self._postgres.run(Call(TOUCH_CART, (str(cart_id),)), Call(CLEAR_CART, (str(cart_id),)))

    async def merge(self, cart_id: UUID, other_id: UUID) -> None:
        """Move the lines of another cart to a cart, which is created if needed, and delete the other.

        Counts of the same sku add up, to the most that a cart can hold of it. A cart merged with itself stays as it is.
        Raises TooManyLines; then both carts are as they were.
        """
        if cart_id == other_id:
            return
        ids = [str(cart_id), str(other_id)]
        ((outcome,),) = await self._postgres.run(Call(LOCK_BOTH, (ids,)), Call(MERGE_CARTS, (*ids, *self._limits)))
        if error := refusal(outcome.decode()):
            raise error

    async def contents(self, cart_id: UUID) -> bytes:
        """The lines of a cart as JSON: sku ids and counts."""
        return await self._body(CART, cart_id)

    async def priced(self, cart_id: UUID) -> bytes:
        """The lines of a cart as JSON, with names, prices and total from the catalogue as it is now."""
        return await self._body(PRICED_CART, cart_id)

    async def _body(self, statement: Statement, cart_id: UUID) -> bytes:
        ((body,),) = await self._postgres.run(Call(statement, (str(cart_id),)))
        return bytes(body)
