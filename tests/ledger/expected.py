"""What a cart may hold by the answers that its clients got."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

MOST_ITEMS = 40
"""CART_MAX_ITEMS of the service."""


class Outcome(Enum):
    """What a client knows of its write. Without an answer it may have been carried out, once, or not."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class Difference(NamedTuple):
    """A count that the writes do not explain: ``kind`` is lost, doubled or over the limit."""

    kind: str
    sku_id: int
    found: int
    possible: list[int]


class ExpectedCart:
    """The counts that are possible of each sku.

    Writes are applied in the order in which they were sent; only additions may be sent by several clients at once.
    """

    def __init__(self, token: str) -> None:
        self.token = token
        self.left_alone_until = 0.0
        """The owner waits until then (monotonic): an unanswered write may still take effect."""
        self._possible: dict[int, set[int]] = {}
        self._lock = threading.Lock()

    def add(self, sku_id: int, count: int, outcome: Outcome) -> None:
        self._write(sku_id, lambda before: before + count, outcome)

    def set(self, sku_id: int, count: int, outcome: Outcome) -> None:
        self._write(sku_id, lambda _: count, outcome)

    def clear(self, outcome: Outcome) -> None:
        for sku_id in self._possible:
            self.set(sku_id, 0, outcome)

    def take_from(self, other: "ExpectedCart", outcome: Outcome) -> None:
        """A merge: counts add up, to the most that a cart can hold, and the other cart is empty."""
        for sku_id, theirs in list(other._possible.items()):
            ours = self._possible.get(sku_id, {0})
            both = {min(one + more, MOST_ITEMS) if more else one for one in ours for more in theirs}
            self._possible[sku_id] = {
                Outcome.ACKNOWLEDGED: both,
                Outcome.REFUSED: ours,
                Outcome.UNKNOWN: ours | both,
            }[outcome]
        other.clear(outcome)

    def differences(self, found: Mapping[int, int], most_items: int) -> Iterator[Difference]:
        """Whatever the writes do not explain of what the cart holds, which is at most ``most_items`` of a sku."""
        for sku_id in sorted({*self._possible, *found}):
            possible, count = sorted(self._possible.get(sku_id, {0})), found.get(sku_id, 0)
            if count not in possible:
                kind = "doubled" if count > possible[-1] else "lost"
                yield Difference(kind, sku_id, count, possible)
            if count > most_items:
                yield Difference("over the limit", sku_id, count, [most_items])

    def _write(self, sku_id: int, change: Callable[[int], int], outcome: Outcome) -> None:
        with self._lock:
            before = self._possible.get(sku_id, {0})
            after = set(map(change, before))
            both = {Outcome.ACKNOWLEDGED: after, Outcome.REFUSED: before, Outcome.UNKNOWN: before | after}
            self._possible[sku_id] = both[outcome]


class SharedCarts:
    """Carts for all clients, one after the other, so that many come to the most items that they can hold."""

    _ADDITIONS = 200

    def __init__(self, carts: Sequence[ExpectedCart]) -> None:
        self.carts = carts
        self._additions = itertools.count()

    def current(self) -> ExpectedCart:
        """The one to add to now."""
        return self.carts[next(self._additions) // self._ADDITIONS % len(self.carts)]
