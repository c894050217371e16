"""Clients that write to carts at random and note what each answer promised."""

import random
import time
from collections import Counter, deque
from collections.abc import Sequence

from tests.ledger.connection import Answer, Connection, Request
from tests.ledger.expected import ExpectedCart, Outcome, SharedCarts

SKUS = range(1, 41)
UNKNOWN_SKU = 10_000_000
_MOST_ADDED = 3
_MOST_SET = 30
_SHARED_SKUS = SKUS[:8]
_CARTS_IN_USE = 5
_KEPT_KEYS = 200

# A write that was not answered takes effect within the service's deadline for it, or never.
TAKES_EFFECT_SECONDS = 2.0
_PAUSE_SECONDS = 0.05
_ANSWERED_SECONDS = 60.0
_CONFLICT = 409


class Client:
    """Uses carts of its own one request at a time, and adds to the ``shared`` ones as others do too.

    ``counts`` are of operations; ``complaints`` are answers that should have been others.
    """

    def __init__(self, name: str, addresses: Sequence[str], shared: SharedCarts) -> None:
        self._name, self._shared = name, shared
        self._random = random.Random(name)
        self._connections = [Connection(address) for address in addresses]
        self.carts: list[ExpectedCart] = []
        self._answered: deque[tuple[Request, Answer]] = deque(maxlen=_KEPT_KEYS)
        self._keys = 0
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._operations = {
            self._add: 52,
            self._add_to_shared: 16,
            self._set: 12,
            self._repeat_answered: 8,
            self._remove: 5,
            self._refused: 4,
            self._first_addition: 2,
            self._clear: 1,
            self._merge: 2,
        }

    def operate(self) -> None:
        """One operation, chosen at random."""
        (operation,) = self._random.choices(list(self._operations), list(self._operations.values()))
        operation()
        self.counts["operations"] += 1

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    # POST /cart, without a cart

    def _first_addition(self) -> None:
        request = self._addition(None, self._key())
        answer = self._sent(request)
        if answer.outcome is Outcome.ACKNOWLEDGED:
            self.carts.append(ExpectedCart(answer.token or ""))
            self._note_addition(self.carts[-1], request, answer)

    # POST /cart

    def _add(self) -> None:
        if cart := self._own_cart():
            request = self._addition(cart, self._key())
            self._note_addition(cart, request, self._sent(request))

    def _add_to_shared(self) -> None:
        cart = self._shared.current()
        request = self._addition(cart, self._key(), _SHARED_SKUS)
        self._note_addition(cart, request, self._sent(request))

    def _refused(self) -> None:
        """An unknown sku, or a count that is none."""
        if cart := self._own_cart():
            sku_id, count = self._random.choice(((UNKNOWN_SKU, 1), (self._sku(), 0)))
            answer = self._sent(Request("POST", "/cart", {"sku_id": sku_id, "count": count}, cart.token, self._key()))
            if answer.outcome is Outcome.ACKNOWLEDGED:
                self.complaints.append(f"accepted: {count} of sku {sku_id}")

    def _repeat_answered(self) -> None:
        """An addition with a key that was answered before, perhaps by another instance, or before a restart."""
        if not self._answered:
            return
        request, before = self._random.choice(self._answered)
        answer = self._until_answered(request)
        if answer[:3] != (before.status, before.token, True):
            self._complain(request, before, answer)
        self.counts["repeated after its answer"] += 1

    # PUT and DELETE

    def _set(self) -> None:
        if cart := self._own_cart():
            sku_id, count = self._sku(), self._random.randint(0, _MOST_SET)
            answer = self._sent(Request("PUT", f"/cart/{sku_id}", {"count": count}, cart.token))
            cart.set(sku_id, count, answer.outcome)
            self._leave_alone(cart, answer)

    def _remove(self) -> None:
        if cart := self._own_cart():
            sku_id = self._sku()
            answer = self._sent(Request("DELETE", f"/cart/{sku_id}", token=cart.token))
            cart.set(sku_id, 0, answer.outcome)
            self._leave_alone(cart, answer)

    def _clear(self) -> None:
        if cart := self._own_cart():
            answer = self._sent(Request("DELETE", "/cart", token=cart.token))
            cart.clear(answer.outcome)
            self._leave_alone(cart, answer)

    # POST /cart/merge

    def _merge(self) -> None:
        """One of its carts takes what another holds; repeated, it takes nothing."""
        cart, other = self._own_cart(), self._own_cart()
        if cart and other and cart is not other:
            answer = self._sent(Request("POST", "/cart/merge", {"token": other.token}, cart.token))
            cart.take_from(other, answer.outcome)
            for each in (cart, other):
                self._leave_alone(each, answer)

    def _own_cart(self) -> ExpectedCart | None:
        now = time.monotonic()
        usable = [cart for cart in self.carts[-_CARTS_IN_USE:] if cart.left_alone_until <= now]
        if usable:
            return self._random.choice(usable)
        self._first_addition()
        return None

    def _leave_alone(self, cart: ExpectedCart, answer: Answer) -> None:
        if answer.outcome is Outcome.UNKNOWN:
            cart.left_alone_until = time.monotonic() + TAKES_EFFECT_SECONDS

    def _sku(self) -> int:
        return self._random.choice(SKUS)

    def _key(self) -> str | None:
        """A new key for two of five."""
        if self._random.random() > 0.4:
            return None
        self._keys += 1
        return f"{self._name}-{self._keys}"

    def _addition(self, cart: ExpectedCart | None, key: str | None, skus: Sequence[int] = SKUS) -> Request:
        body = {"sku_id": self._random.choice(skus), "count": self._random.randint(1, _MOST_ADDED)}
        return Request("POST", "/cart", body, cart and cart.token, key)

    def _note_addition(self, cart: ExpectedCart, request: Request, answer: Answer) -> None:
        assert request.body
        cart.add(request.body["sku_id"], request.body["count"], answer.outcome)
        self._leave_alone(cart, answer)

    def _sent(self, request: Request) -> Answer:
        """The answer to an operation; with a key it is repeated until there is one."""
        answer = self._until_answered(request) if request.key else self._once(request)
        self.counts[answer.outcome.value] += 1
        return answer

    def _once(self, request: Request) -> Answer:
        answer = self._random.choice(self._connections).ask(request)
        if answer.outcome is Outcome.UNKNOWN:
            time.sleep(_PAUSE_SECONDS)
        return answer

    def _until_answered(self, request: Request) -> Answer:
        """One in ten is sent to two servers at once. While the key is under way there is no answer yet."""
        answers = self._at_once(request) if self._random.random() < 0.1 else [self._once(request)]
        deadline = time.monotonic() + _ANSWERED_SECONDS
        while not (ended := [each for each in answers if _is_final(each)]):
            assert time.monotonic() < deadline, f"{request} was never answered"
            self.counts["attempts repeated with a key"] += 1
            answers = [self._once(request)]
        self._keep(request, ended)
        return ended[0]

    def _at_once(self, request: Request) -> list[Answer]:
        pair = self._random.sample(self._connections, 2)
        for connection in pair:
            connection.send(request)
        self.counts["sent twice at once"] += 1
        return [connection.answer() for connection in pair]

    def _keep(self, request: Request, answers: Sequence[Answer]) -> None:
        made = [each for each in answers if each.outcome is Outcome.ACKNOWLEDGED]
        if len({each[:2] for each in answers}) > 1 or sum(not each.is_replayed for each in made) > 1:
            self._complain(request, *answers)
        if answers[0].status != 400:
            self._answered.append((request, answers[0]))

    def _complain(self, request: Request, *answers: Answer) -> None:
        said = ", then ".join(f"{each.status}{' replayed' * each.is_replayed}" for each in answers)
        self.complaints.append(f"answers: {request.body} with key {request.key} to {request.token}: {said}")


def _is_final(answer: Answer) -> bool:
    return answer.outcome is not Outcome.UNKNOWN and answer.status != _CONFLICT
