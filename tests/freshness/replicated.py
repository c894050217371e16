"""A catalogue that arrives by logical replication, and an instance that reads it from a standby."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from deploy.local import probes
from deploy.local.instances import Instance
from deploy.local.places import Ports
from deploy.local.standby import Standby
from migrations import runner
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import Service
from tests.freshness.measure import CHANGING, insert

_TABLES = "products, features, styles, photos, skus, related_products"
_SERVED = re.compile(r'^overview_replica_reads_total\{outcome="served"\} (\d+)', re.MULTILINE)


@contextmanager
def replicated(service: Service) -> Iterator[tuple[Service, str]]:
    """The service with one other instance, and the URL of the database from which what changes arrives."""
    root, ports = service.postgres.data.parents[1], Ports()
    of = {"name": "standby", "password_file": service.postgres.password_file, "upstream": service.postgres.url}
    standby = Standby(root, ports.take("standby"), root / "standby.log", **of)
    settings = {**service.settings, "DATABASE_READ_URL": standby.url}
    with ExitStack() as stopping:
        stopping.callback(standby.stop)
        standby.start()
        instance = Instance(ports.take("an instance"), root / "web.log", settings)
        stopping.callback(instance.stop)
        instance.start()
        of_standby = replace(service, instances=[instance])
        wait_until(lambda: _is_read(of_standby))
        yield of_standby, stopping.enter_context(_subscribed(service))


@contextmanager
def _subscribed(service: Service) -> Iterator[str]:
    """The URL of another database of the same server, from which the products that are to change arrive anew."""
    service.sql("CREATE DATABASE published")
    service.sql("ALTER DATABASE published SET synchronous_commit = on")  # only what is written is sent
    url = service.postgres.url.rpartition("/")[0] + "/published"
    runner.migrate(url)
    with probes.query(url) as cursor:
        cursor.execute(f"CREATE PUBLICATION catalogue FOR TABLE {_TABLES}")
        # A subscription to the same server cannot make its slot itself: each would wait for the other.
        cursor.execute("SELECT pg_create_logical_replication_slot('catalogue', 'pgoutput')")
    service.sql("DELETE FROM products WHERE id = ANY (%s)", list(CHANGING))
    options = "create_slot = false, copy_data = false"
    service.sql(f"CREATE SUBSCRIPTION catalogue CONNECTION '{url}' PUBLICATION catalogue WITH ({options})")
    try:
        insert(url, CHANGING)
        wait_until(lambda: service.sql("SELECT 1 FROM products WHERE id = %s", CHANGING[0]) != [])
        yield url
    finally:
        service.sql("ALTER SUBSCRIPTION catalogue DISABLE")


def _is_read(service: Service) -> bool:
    """Whether its instances have read from the standby: a connection may take longer than one read waits for it."""
    for instance in service.instances:
        service.get(f"/products/{next(service.unread)}", instance.address)
    return served_by_replicas(service) > 0


def served_by_replicas(service: Service) -> int:
    """How many reads its instances had from the standby."""
    pages = (service.get("/metrics", instance.address)[2].decode() for instance in service.instances)
    return sum(int(count) for page in pages for count in _SERVED.findall(page))
