"""A cluster with a catalogue, whoever is primary or master in it, and how to ask it."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2
import redis

from deploy.cluster import cluster, postgres, valkey
from deploy.cluster.cluster import Cluster
from deploy.local import probes
from deploy.local.hosts import Host
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import PRODUCTS, Asked, insert_products
from tests.ledger.expected import MOST_ITEMS
from tests.ledger.writers import insert_skus

_SETTINGS = {
    "POSTGRES_CONNECTIONS": "4",
    "CACHE_SHADOW_PERCENT": "10",
    "CART_MAX_ITEMS": str(MOST_ITEMS),
    "RATE": "0",
    "CART_RATE": "0",
    "COVERAGE_PROCESS_CONFIG": "",  # its reads would only be slower
}
_TWO_INSTANCES = re.compile(r'"upstream":"[^",]*, ')


class ClusterService(Asked):
    """The parts of a ``cluster``. ``gave_up`` are the moments (monotonic) when a reader left an nginx for the other."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.instances = cluster, cluster.instances
        self.unread = iter(range(PRODUCTS, 0, -1))
        self.gave_up: list[float] = []

    def fronts(self) -> list[str]:
        """The addresses of every nginx."""
        return [nginx.address for nginx in self.cluster.nginx]

    def sql(self, statement: str, *values: object) -> list[tuple]:
        """Run one statement on the primary, with its rows if it has any."""
        nodes = sorted(self.cluster.postgres, key=lambda node: not node.alive())  # a lost host costs seconds to try
        with probes.query(postgres.url(nodes)) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def primary(self) -> postgres.Node:
        """The one server that takes writes. Raises AssertionError if that is not one within 20 s."""
        found: list[postgres.Node] = []

        def is_one() -> bool:
            found[:] = [node for node in self.cluster.postgres if node.alive() and _is_primary(node)]
            return len(found) == 1

        wait_until(is_one)
        return found[0]

    def standbys(self) -> list[postgres.Node]:
        """The servers that can be promoted, the most advanced first."""
        places = []
        for node in self.cluster.postgres:
            with suppress(psycopg2.Error):
                if node.alive() and not node.is_primary():
                    places.append((node.received(), node.name, node))
        return [node for _, _, node in sorted(places, reverse=True)]

    def masters(self) -> list[valkey.Node]:
        """The nodes that have slots."""
        return [node for node in self.cluster.valkey if node.is_master()]

    def replica_of(self, master: valkey.Node) -> valkey.Node:
        """The node that follows a master. Raises AssertionError if none does."""
        for node in self.cluster.valkey:
            with suppress(redis.RedisError):
                if node.follows(master):
                    return node
        raise AssertionError(f"{master.name} has no replica")

    def is_missed(self, lost: valkey.Node) -> bool:
        """Whether the masters have agreed that a node has failed."""
        others = [node for node in self.cluster.valkey if node is not lost]
        masters = [node for node in _elsewhere(others, lost.host) if node.is_master()]
        return bool(masters) and all(lost.address in _failed(node) for node in masters)

    def tried_twice(self) -> int:
        """Requests that an nginx took to a second instance."""
        logs = [nginx.prefix / "access.log" for nginx in self.cluster.nginx]
        return sum(len(_TWO_INSTANCES.findall(log.read_text())) for log in logs)

    def is_whole(self) -> bool:
        """Whether everything has its second again."""
        nodes = self.cluster.valkey
        with suppress(psycopg2.Error, AssertionError):
            is_cached = 2 * len(self.masters()) == len(nodes) and all(node.is_well(len(nodes)) for node in nodes)
            return is_cached and self.primary().standbys() == len(self.cluster.postgres) - 1
        return False


def _elsewhere(nodes: list[valkey.Node], host: Host) -> list[valkey.Node]:
    """Those on other hosts, if there are any: a whole host may be lost."""
    return [node for node in nodes if node.host is not host] or nodes


def _is_primary(node: postgres.Node) -> bool:
    with suppress(psycopg2.Error):
        return node.is_primary()
    return False


def _failed(node: valkey.Node) -> str:
    """The lines about nodes that have failed, as this one sees it."""
    with suppress(redis.RedisError):
        return "\n".join(line for line in node.nodes().splitlines() if "fail" in line and "fail?" not in line)
    return ""


@contextmanager
def running(
    root: Path, port: Callable[[str], int], settings: Mapping[str, str] | None = None
) -> Iterator[ClusterService]:
    """Start a cluster with a catalogue of products that are only products, and a few skus; stop everything."""
    with cluster.running(root, root / "log", port, _fill, {**_SETTINGS, **(settings or {})}) as started:
        service = ClusterService(started)
        wait_until(service.is_whole)
        yield service


def _fill(started: Cluster) -> None:
    url = postgres.url(started.postgres)
    insert_products(url)
    insert_skus(url)
