"""A Redis that was a replica for a moment, under open connections, and has had another's data set since."""

from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

import pytest

from deploy.local import probes
from deploy.local.servers import Redis
from service.cache.aside import CacheAside, Lifetimes
from service.cache.redis_store import RedisStore
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import DatabaseCatalogue
from service.catalogue.outbox import Outbox
from service.coroutines import block_on
from service.metrics import Metrics
from tests.chaos.waits import wait_until

ONE = Key(Kind.CARD, 1)
LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=50)


@pytest.fixture
def redis_servers(server_root, free_port):
    """Two clients, each of a server of its own."""
    started, clients = [], []
    for _ in range(2):
        root = Path(mkdtemp(prefix="flipped-", dir=server_root))
        root.chmod(0o755)
        at_once = {"repl-diskless-sync-delay": "0"}
        started.append(Redis(root, free_port(root.name), root / "redis.log", options=at_once))
        started[-1].start()
        clients.append(probes.client(started[-1].url))
    yield started, clients
    for each in (*clients, *started):
        (each.close if each in clients else each.stop)()


def follow(client, server):
    client.config_set("masterauth", urlsplit(server.url).password)
    client.execute_command("REPLICAOF", *server.address.split(":"))
    wait_until(lambda: client.info("replication").get("master_link_status") == "up")


def lead(client):
    client.execute_command("REPLICAOF", "NO", "ONE")


def test_what_it_lost_while_it_was_a_replica_is_not_served(redis_servers, postgres, change):
    (server, other), (client, of_other) = redis_servers
    own, store = RedisStore(server.url, 1.0), RedisStore(server.url, 1.0)
    catalogue = CachedCatalogue(DatabaseCatalogue(postgres), CacheAside(store, LIFETIMES), Metrics(), wait_seconds=5.0)
    outbox = Outbox(postgres, own)
    outbox.drain()
    assert [block_on(catalogue.documents([ONE]))[ONE].outcome for _ in range(2)] == ["miss", "hit"]
    follow(of_other, server)
    lead(of_other)
    change("UPDATE products SET name = 'New' WHERE id = 1")
    outbox.drain()
    follow(client, other)
    lead(client)

    def is_new():
        outbox.drain()  # as it does each second
        return b"New" in block_on(catalogue.documents([ONE]))[ONE].body

    wait_until(is_new)
    assert block_on(catalogue.documents([ONE]))[ONE].outcome == "hit"
    for each in (catalogue, store, own):
        each.close()
