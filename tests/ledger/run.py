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
from tests.ledger.expected import ExpectedCart
from tests.ledger.faults import FAULTS, Stack

_CLIENTS = 12
_SHARED_CARTS = 3
_BETWEEN_FAULTS = 150  # operations
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
def private_stack(most_items: int) -> Iterator[Stack]:
    """The service with a durable Postgres, proxies where connections are cut, and a few skus."""
    root, ports = Path(tempfile.mkdtemp(prefix="ledger-", dir=RunDirectory(CHECKOUT / ".run").servers())), Ports()
    root.chmod(0o755)
    settings = {"CART_MAX_ITEMS": str(most_items), "POSTGRES_CONNECTIONS": "8"}
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
    """Clients on threads. ``most_items`` is the service's CART_MAX_ITEMS."""

    def __init__(self, stack: Stack, most_items: int) -> None:
        self._stack, self._most_items = stack, most_items
        service = stack.service
        with_connection = Connection(service.nginx.address)
        self._shared = [_new_cart(with_connection) for _ in range(_SHARED_CARTS)]
        with_connection.close()
        addresses = [stack.front.address, service.nginx.address, *(each.address for each in service.instances)]
        self._clients = [Client(f"client-{number}", addresses, self._shared) for number in range(_CLIENTS)]
        self._over = threading.Event()
        self._failures: list[str] = []
        self._faults: Counter[str] = Counter()

    def until(self, operations: int, rounds: int, seconds: float) -> Report:
        """Run until so many operations and rounds of faults are done, or the time is up; then compare."""
        deadline = time.monotonic() + seconds
        threads = [threading.Thread(target=self._operate, args=(client,)) for client in self._clients]
        for thread in threads:
            thread.start()
        try:
            for done, (name, strike) in enumerate(cycle(FAULTS.items())):
                enough = done >= rounds * len(FAULTS) and self._operations() >= operations
                if enough or time.monotonic() > deadline or self._failures:
                    break
                strike(self._stack)
                self._faults[name] += 1
                self._wait_until_well()
        finally:
            self._over.set()
            for thread in threads:
                thread.join(_JOIN_SECONDS)
        return self._compared()

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
        wait_until(lambda: self._acknowledged() >= before + _BETWEEN_FAULTS or bool(self._failures))

    def _acknowledged(self) -> int:
        return sum(client.counts["acknowledged"] for client in self._clients)

    def _compared(self) -> Report:
        counts = sum((client.counts for client in self._clients), Counter[str]())
        carts = [*self._shared, *(cart for client in self._clients for cart in client.carts)]
        complaints = [*self._failures, *(each for client in self._clients for each in client.complaints)]
        report = Report(counts, len(carts), self._faults, complaints=complaints)
        addresses = [self._stack.service.nginx.address, *(each.address for each in self._stack.service.instances)]
        connections = [Connection(address) for address in addresses]
        for cart, connection in zip(carts, cycle(connections), strict=False):
            self._compare(cart, _contents(connection, cart), report)
        for connection in connections:
            connection.close()
        return report

    def _compare(self, cart: ExpectedCart, found: dict[int, int], report: Report) -> None:
        for each in cart.differences(found):
            report.differences[each.kind] += 1
            report.complaints.append(f"{each.kind}: {each}")
        for sku_id, count in found.items():
            if count > self._most_items:
                report.differences["over the limit"] += 1
                report.complaints.append(f"{count} of sku {sku_id} are over the limit")


def first_of(complaints: Sequence[str]) -> str:
    """The first complaints, a line each."""
    return "\n".join(complaints[:_SHOWN])


def _new_cart(connection: Connection) -> ExpectedCart:
    """A cart for all clients."""
    answer = connection.ask(Request("POST", "/cart", {"sku_id": SKUS[0]}))
    assert answer.token, answer
    cart = ExpectedCart(answer.token)
    cart.add(SKUS[0], 1, answer.outcome)
    return cart


def _contents(connection: Connection, cart: ExpectedCart) -> dict[int, int]:
    answer = connection.ask(Request("GET", "/cart", token=cart.token))
    if answer.status == 0:
        answer = connection.ask(Request("GET", "/cart", token=cart.token))
    assert answer.status == 200, answer
    return {line["sku_id"]: line["count"] for line in json.loads(answer.body)}
