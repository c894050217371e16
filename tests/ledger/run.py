"""A run: clients write, faults strike one after the other, then every cart is read."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import running
from tests.ledger.expected import MOST_ITEMS
from tests.ledger.faults import FAULTS, Stack
from tests.ledger.writers import Report, Writers, insert_skus

_CLIENTS = 12
_OPERATIONS_A_SHARED_CART = 1000
_MOST_BETWEEN_FAULTS = 2500  # acknowledged operations


@contextmanager
def private_stack() -> Iterator[Stack]:
    """The service with a durable Postgres, proxies where connections are cut, and a few skus."""
    root, ports = Path(tempfile.mkdtemp(prefix="ledger-", dir=RunDirectory(CHECKOUT / ".run").servers())), Ports()
    root.chmod(0o755)
    settings = {"CART_MAX_ITEMS": str(MOST_ITEMS), "POSTGRES_CONNECTIONS": "8"}
    try:
        with running(root, ports.take, proxied=True, durable=True, settings=settings) as service:
            insert_skus(service.postgres.url)
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
        self._direct = [*(each.address for each in service.instances), service.nginx.address]
        addresses = [stack.front.address, *self._direct]
        self._writers = Writers(addresses, _CLIENTS, 1 + operations // _OPERATIONS_A_SHARED_CART)
        self._faults: Counter[str] = Counter()

    def report(self, seconds: float) -> Report:
        """Run for ``seconds`` at most, then read every cart."""
        with self._writers.writing():
            self._strike_until(time.monotonic() + seconds)
        report = self._writers.compared(self._direct)
        report.faults = self._faults
        return report

    def _strike_until(self, deadline: float) -> None:
        for done, (name, strike) in enumerate(cycle(FAULTS.items())):
            is_enough = done >= self._strikes and self._writers.count("operations") >= self._wanted
            if is_enough or time.monotonic() > deadline or self._writers.failures:
                return
            strike(self._stack)
            self._faults[name] += 1
            self._wait_until_well()

    def _wait_until_well(self) -> None:
        """Until both instances are ready and clients are answered."""
        wait_until(lambda: set(self._stack.service.states()) == {"ok"})
        writers, before = self._writers, self._writers.count("acknowledged")
        wait_until(lambda: writers.count("acknowledged") >= before + self._between_faults or bool(writers.failures))
