"""The whole service with stores of its own, which a test may stop: two instances of it behind nginx."""

import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from deploy.local import probes
from deploy.local.instances import Instance, Process
from deploy.local.servers import Nginx, Postgres, Redis
from migrations import runner
from service.nginx_conf import values
from service.settings import Settings
from tests.chaos.proxy import FaultProxy

PRODUCTS = 20_000
POSTGRES_TIMEOUT_SECONDS = 1.0
POSTGRES_CONNECTIONS = 2

Part = TypeVar("Part", bound=Any)

_WRONG = re.compile(r'^overview_shadow_total\{outcome="wrong"\} (\d+)', re.MULTILINE)


class Asked:
    """A service with ``instances``, which are asked for their state, and for what each counted."""

    instances: list[Instance]

    def get(self, path: str, address: str) -> tuple[int, dict[str, str], bytes]:
        """One GET on a connection of its own: status, headers with names in lower case, body."""
        connection = http.client.HTTPConnection(address, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def states(self) -> list[str]:
        """What /readyz says, of each instance; ``gone`` for one that does not answer."""
        return [self._state(instance) for instance in self.instances]

    def wrong_hits(self) -> int:
        """Hits that the instances found to be wrong when they looked behind them, since each was started."""
        alive = [instance for instance in self.instances if self._state(instance) != "gone"]
        pages = [self.get("/metrics", instance.address)[2].decode() for instance in alive]
        return sum(int(count) for page in pages for count in _WRONG.findall(page))

    def _state(self, instance: Instance) -> str:
        try:
            return json.loads(self.get("/readyz", instance.address)[2])["status"]
        except (OSError, http.client.HTTPException):
            return "gone"


@dataclass
class Service(Asked):
    """The parts, and how to ask them. The proxies stand before the stores where there are any."""

    postgres: Postgres
    redis: Redis
    instances: list[Instance]
    invalidator: Process
    nginx: Nginx
    settings: Mapping[str, str]
    postgres_proxy: FaultProxy | None = None
    redis_proxy: FaultProxy | None = None
    unread: Iterator[int] = field(default_factory=lambda: iter(range(PRODUCTS, 0, -1)))
    """Ids of products, each given once: what was never read is in no cache."""

    def get(self, path: str, address: str | None = None) -> tuple[int, dict[str, str], bytes]:
        """The same as of any service, through nginx unless another address is given."""
        return super().get(path, address or self.nginx.address)

    def sql(self, statement: str, *values: object) -> list[tuple]:
        """Run one statement past the service, with its rows if it has any."""
        with probes.query(self.postgres.url) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running(
    root: Path,
    free_port: Callable[[str], int],
    *,
    proxied: bool = False,
    micro_cache: bool = False,
    durable: bool = False,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Start everything, with a catalogue of products that are only products; stop everything.

    ``settings`` go before those of all tests; ``durable`` is the argument of ``Postgres``.
    """
    with ExitStack() as stopping:

        def start(part: Part) -> Part:
            stopping.callback(part.stop)
            part.start()
            return part

        def before(store: Postgres | Redis) -> FaultProxy | None:
            return start(FaultProxy(free_port("a fault proxy"), store.address)) if proxied else None

        postgres = start(Postgres(root, free_port("e2e postgres"), root / "postgres.log", durable=durable))
        redis = start(Redis(root, free_port("e2e redis"), root / "redis.log"))
        proxies = before(postgres), before(redis)
        runner.migrate(postgres.url)
        insert_products(postgres.url)
        urls = (_through(*pair) for pair in zip((postgres, redis), proxies, strict=True))
        given = {**_settings(free_port, micro_cache, *urls), **(settings or {})}
        instances = [
            start(Instance(int(address.rpartition(":")[2]), root / "web.log", given, f"web {address}"))
            for address in given["INSTANCES"].split(",")
        ]
        invalidator = start(Process("invalidator", root / "invalidator.log", given))
        nginx = start(Nginx(root, root / "nginx.log", values(Settings.from_env(given))))
        yield Service(postgres, redis, instances, invalidator, nginx, given, *proxies)


def _settings(
    free_port: Callable[[str], int], micro_cache: bool, database_url: str, redis_url: str
) -> Mapping[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CART_SECRET": "only for these tests",
        "INSTANCES": ",".join(f"127.0.0.1:{free_port(f'e2e web {number}')}" for number in (1, 2)),
        "LISTEN": f"127.0.0.1:{free_port('e2e nginx')}",
        "MICRO_CACHE": str(micro_cache),
        "POSTGRES_TIMEOUT_SECONDS": str(POSTGRES_TIMEOUT_SECONDS),
        "POSTGRES_CONNECTIONS": str(POSTGRES_CONNECTIONS),
        "CACHE_SHADOW_PERCENT": "10",
        "COVERAGE_PROCESS_CONFIG": "",  # its reads would only be slower
    }


def _through(store: Postgres | Redis, proxy: FaultProxy | None) -> str:
    return store.url.replace(store.address, proxy.address) if proxy else store.url


def insert_products(url: str) -> None:
    """Fill an empty catalogue with products that are only products."""
    with probes.query(url) as cursor:
        cursor.execute(
            "INSERT INTO products SELECT n, 'Product ' || n, '', '', 'Things', n FROM generate_series(1, %s) n",
            (PRODUCTS,),
        )
        cursor.execute(
            "INSERT INTO related_products SELECT id, id, 1 + id % 60 FROM products"
        )  # to one of the hot ones
        cursor.execute("TRUNCATE catalogue_outbox")  # nothing is cached yet
