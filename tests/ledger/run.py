"""A run: clients write, faults strike one after the other, then every cart is read."""

import json
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

from deploy.local import probes
from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import running
from tests.ledger.clients import SKUS, Client
from tests.ledger.connection import Connection, Request
from tests.ledger.expected import MOST_ITEMS, ExpectedCart, SharedCarts
from tests.ledger.faults import FAULTS, Stack

_CLIENTS = 12
_OPERATIONS_A_SHARED_CART = 1000
_MOST_BETWEEN_FAULTS = 2500  # acknowledged operations
_SHOWN = 20
_JOIN_SECONDS = 90.0


@dataclass
class Report:
    """What was done, and what was found that should not be: the run ``held`` if that is nothing."""

    counts: Counter[str]
    carts: int
    faults: Counter[str]
    differences: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        return not self.complaints


@contextmanager
def private_stack() -> Iterator[Stack]:
    """The service with a durable Postgres, proxies where connections are cut, and a few skus."""
    root, ports = Path(tempfile.mkdtemp(prefix="ledger-", dir=RunDirectory(CHECKOUT / ".run").servers())), Ports()
    root.chmod(0o755)
    settings = {"CART_MAX_ITEMS": str(MOST_ITEMS), "POSTGRES_CONNECTIONS": "8"}
    try:
        with running(root, ports.take, proxied=True, durable=True, settings=settings) as service:
            with probes.query(service.postgres.url) as cursor:
                cursor.execute("INSERT INTO styles VALUES (1, 1, 'Style', 1, NULL, true)")
                cursor.execute("INSERT INTO skus SELECT n, 1, 'M', 1 FROM generate_series(1, %s) n", (SKUS[-1],))
            front = FaultProxy(ports.take("front proxy"), service.nginx.address)
            front.start()
            try:
                yield Stack(service, front)
            finally:
                front.stop()
    finally:
        shutil.rmtree(root)


class Run:
    """Clients on threads, for so many ``operations`` at least, while every fault strikes in so many ``rounds``."""

    def __init__(self, stack: Stack, operations: int, rounds: int) -> None:
        self._stack, self._wanted = stack, operations
        self._strikes = rounds * len(FAULTS)
        self._between_faults = min(_MOST_BETWEEN_FAULTS, operations // (2 * self._strikes))
        service = stack.service
        self._direct = [service.nginx.address, *(each.address for each in service.instances)]
        self._shared = SharedCarts(_new_carts(service.nginx.address, 1 + operations // _OPERATIONS_A_SHARED_CART))
        addresses = [stack.front.address, *self._direct]
        self._clients = [Client(f"client-{number}", addresses, self._shared) for number in range(_CLIENTS)]
        self._over = threading.Event()
        self._failures: list[str] = []
        self._faults: Counter[str] = Counter()

    def report(self, seconds: float) -> Report:
        """Run for ``seconds`` at most, then read every cart."""
        threads = [threading.Thread(target=self._operate, args=(client,)) for client in self._clients]
        for thread in threads:
            thread.start()
        try:
            self._strike_until(time.monotonic() + seconds)
        finally:
            self._over.set()
            for thread in threads:
                thread.join(_JOIN_SECONDS)
        return self._compared()

    def _strike_until(self, deadline: float) -> None:
        for done, (name, strike) in enumerate(cycle(FAULTS.items())):
            is_enough = done >= self._strikes and self._operations() >= self._wanted
            if is_enough or time.monotonic() > deadline or self._failures:
                return
            strike(self._stack)
            self._faults[name] += 1
            self._wait_until_well()

    def _operate(self, client: Client) -> None:
        try:
            while not self._over.is_set():
                client.operate()
        except Exception as error:  # reported with the differences
            self._failures.append(f"a client failed: {error!r}")
        finally:
            client.close()

    def _operations(self) -> int:
        return sum(client.counts["operations"] for client in self._clients)

    def _wait_until_well(self) -> None:
        """Until both instances are ready and clients are answered."""
        wait_until(lambda: set(self._stack.service.states()) == {"ok"})
        before = self._acknowledged()
        wait_until(lambda: self._acknowledged() >= before + self._between_faults or bool(self._failures))

    def _acknowledged(self) -> int:
        return sum(client.counts["acknowledged"] for client in self._clients)

    def _compared(self) -> Report:
        counts = sum((client.counts for client in self._clients), Counter[str]())
        carts = [*self._shared.carts, *(cart for client in self._clients for cart in client.carts)]
        complaints = [*self._failures, *(each for client in self._clients for each in client.complaints)]
        report = Report(counts, len(carts), self._faults)
        connections = [Connection(address) for address in self._direct]
        for cart, connection in zip(carts, cycle(connections), strict=False):
            _compare(cart, _contents(connection, cart), report)
        for connection in connections:
            connection.close()
        report.complaints += complaints
        return report


def _compare(cart: ExpectedCart, found: dict[int, int], report: Report) -> None:
    for each in cart.differences(found, MOST_ITEMS):
        report.differences[each.kind] += 1
        report.complaints.append(f"{each.kind}: {each.found} of sku {each.sku_id} in {cart.token}, not {each.possible}")


def first_of(complaints: Sequence[str]) -> str:
    """The first complaints, a line each."""
    return "\n".join(complaints[:_SHOWN])


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
