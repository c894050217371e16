"""The whole service with stores of its own, which a test may stop: two instances of it behind nginx."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from migrations import runner
from service.nginx_conf import values
from service.settings import Settings
from tests.stack.instances import Instance, Process
from tests.stack.servers import Nginx, Postgres, Redis

PRODUCTS = 60


@dataclass
class Service:
    """The parts, and how to ask them."""

    postgres: Postgres
    redis: Redis
    instances: list[Instance]
    invalidator: Process
    nginx: Nginx

    def get(self, path: str, address: str | None = None) -> tuple[int, dict[str, str], bytes]:
        """One GET on a connection of its own: status, headers with names in lower case, body."""
        connection = http.client.HTTPConnection(address or self.nginx.address, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def ready(self) -> dict:
        """What /readyz says."""
        return json.loads(self.get("/readyz")[2])


@dataclass
class Readers:
    """Threads that read products without a pause and remember what they saw."""

    service: Service
    statuses: Counter = field(default_factory=Counter)
    outcomes: Counter = field(default_factory=Counter)
    _seen: threading.Condition = field(default_factory=threading.Condition)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def reading(self) -> Iterator["Readers"]:
        threads = [threading.Thread(target=self._read, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)

    def until(self, outcome: str, more: int = 50) -> None:
        """Wait until so many more answers had this X-Cache."""
        with self._seen:
            enough = self.outcomes[outcome] + more
            assert self._seen.wait_for(lambda: self.outcomes[outcome] >= enough, 30), self

    def _read(self, number: int) -> None:
        while not self._stop.is_set():
            number = number % PRODUCTS + 1
            status, headers, _ = self.service.get(f"/products/{number}")
            with self._seen:
                self.statuses[status] += 1
                self.outcomes[headers.get("x-cache", "none")] += 1
                self._seen.notify_all()


@contextmanager
def running(root: Path, free_port) -> Iterator[Service]:
    """Start everything, with a small catalogue; stop everything."""
    started = []

    def start(child):
        started.append(child)
        child.start()
        return child

    try:
        postgres = start(Postgres(root, free_port("e2e postgres"), root / "postgres.log", durable=False))
        redis = start(Redis(root, free_port("e2e redis"), root / "redis.log"))
        runner.migrate(postgres.url)
        _insert_products(postgres.url)
        addresses = [f"127.0.0.1:{free_port(f'e2e web {number}')}" for number in (1, 2)]
        given = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": redis.url,
            "CART_SECRET": "only for these tests",
            "INSTANCES": ",".join(addresses),
            "LISTEN": f"127.0.0.1:{free_port('e2e nginx')}",
            "MICRO_CACHE": "off",
            "POSTGRES_TIMEOUT_SECONDS": "1",
            "COVERAGE_PROCESS_CONFIG": "",  # its reads would only be slower
        }
        instances = [
            start(Instance(int(address.rpartition(":")[2]), root / "web.log", given, f"web {address}"))
            for address in addresses
        ]
        invalidator = start(Process("invalidator", root / "invalidator.log", given))
        nginx = start(Nginx(root, root / "nginx.log", values(Settings.from_env(given))))
        yield Service(postgres, redis, instances, invalidator, nginx)
    finally:
        for child in reversed(started):
            child.stop()


def _insert_products(url: str) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO products SELECT n, 'Product ' || n, '', '', 'Things', n FROM generate_series(1, %s) n",
            (PRODUCTS,),
        )
    connection.close()
