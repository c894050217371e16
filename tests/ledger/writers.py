"""Clients on threads that write to carts, and every cart compared with what they were answered."""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

from deploy.local import probes
from tests.ledger.clients import SKUS, Client
from tests.ledger.connection import Connection, Request
from tests.ledger.expected import MOST_ITEMS, ExpectedCart, SharedCarts

_SHOWN = 20
_JOIN_SECONDS = 90.0


@dataclass
class Report:
    """What was done, and what was found that should not be: the run ``held`` if that is nothing."""

    counts: Counter[str]
    carts: int
    faults: Counter[str] = field(default_factory=Counter)
    differences: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return not self.complaints


class Writers:
    """So many ``clients``, which write through the ``addresses`` to carts of their own and to ``shared`` ones.

    Their keys begin with ``name``, which no others of the same service may have.
    """

    def __init__(
        self, addresses: Sequence[str], clients: int, shared: int, name: str = "client", pause_seconds: float = 0
    ) -> None:
        self._pause_seconds = pause_seconds
        self._shared = SharedCarts(_new_carts(addresses[-1], shared))
        self._clients = [Client(f"{name}-{number}", addresses, self._shared) for number in range(clients)]
        self._over = threading.Event()
        self.failures: list[str] = []

    @contextmanager
    def writing(self) -> Iterator["Writers"]:
        """Write until the end of the block."""
        threads = [threading.Thread(target=self._operate, args=(client,)) for client in self._clients]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join(_JOIN_SECONDS)

    def count(self, name: str) -> int:
        """How many operations there were of a name in ``Client.counts``."""
        return sum(client.counts[name] for client in self._clients)

    def compared(self, addresses: Sequence[str]) -> Report:
        """Read every cart at one of the addresses."""
        counts = sum((client.counts for client in self._clients), Counter[str]())
        carts = [*self._shared.carts, *(cart for client in self._clients for cart in client.carts)]
        complaints = [*self.failures, *(each for client in self._clients for each in client.complaints)]
        report = Report(counts, len(carts))
        connections = [Connection(address) for address in addresses]
        for cart, connection in zip(carts, cycle(connections), strict=False):
            _compare(cart, _contents(connection, cart), report)
        for connection in connections:
            connection.close()
        report.complaints += complaints
        return report

    def _operate(self, client: Client) -> None:
        try:
            while not self._over.wait(self._pause_seconds):
                client.operate()
        except Exception as error:  # reported with the differences
            self.failures.append(f"a client failed: {error!r}")
        finally:
            client.close()


def insert_skus(url: str) -> None:
    """Make the skus that clients write of."""
    with probes.query(url) as cursor:
        cursor.execute("INSERT INTO styles VALUES (1, 1, 'Style', 1, NULL, true)")
        cursor.execute("INSERT INTO skus SELECT n, 1, 'M', 1 FROM generate_series(1, %s) n", (SKUS[-1],))


def first_of(complaints: Sequence[str]) -> str:
    """The first complaints, a line each."""
    return "\n".join(complaints[:_SHOWN])


def _compare(cart: ExpectedCart, found: dict[int, int], report: Report) -> None:
    for each in cart.differences(found, MOST_ITEMS):
        report.differences[each.kind] += 1
        report.complaints.append(f"{each.kind}: {each.found} of sku {each.sku_id} in {cart.token}, not {each.possible}")


def _new_carts(address: str, count: int) -> list[ExpectedCart]:
    connection, carts = Connection(address), []
    for _ in range(count):
        answer = connection.ask(Request("POST", "/cart", {"sku_id": SKUS[0]}))
        assert answer.token, answer
        carts.append(ExpectedCart(answer.token))
        carts[-1].add(SKUS[0], 1, answer.outcome)
    connection.close()
    return carts


def _contents(connection: Connection, cart: ExpectedCart) -> dict[int, int]:
    answer = connection.ask(Request("GET", "/cart", token=cart.token))
    if answer.status == 0:
        answer = connection.ask(Request("GET", "/cart", token=cart.token))
    assert answer.status == 200, answer
    return {line["sku_id"]: line["count"] for line in json.loads(answer.body)}
