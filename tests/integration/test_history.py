"""A database that has less than the cache was told of: what was lost is not served, whoever hands out versions now."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy.local import probes, servers
from migrations import runner
from service.cache.aside import CacheAside, Lifetimes
from service.cache.redis_store import RedisStore
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import ADOPTION, DatabaseCatalogue
from service.catalogue.outbox import Outbox
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.metrics import Metrics
from service.postgres import Listener, Postgres
from tests.chaos.waits import wait_until

ONE = Key(Kind.CARD, 1)
LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=50)


class Cluster:
    """A Postgres of its own, of which a copy can take the place."""

    def __init__(self, root, port):
        self.root, self.port, self.copy = root / "first", port, root / "copy"
        for each in (self.root, self.copy):
            each.mkdir(mode=0o755)
        self.server = servers.Postgres(self.root, port, root / "postgres.log", durable=False)
        self.server.start()
        runner.migrate(self.server.url)
        self.sql("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")

    def sql(self, statement):
        with probes.query(self.server.url) as cursor:
            cursor.execute(statement)

    def copied(self):
        """Keep a copy of all that is committed now."""
        self.server.stop()
        shutil.copytree(self.root / "postgres", self.copy / "postgres", copy_function=_copy)
        _give_away(self.copy / "postgres", self.root / "postgres")
        self.server.start()

    def replaced(self, *, standby):
        """The copy takes its place: a standby that has yet to be promoted, or a backup that was put back."""
        self.server.stop()
        if standby:
            (self.copy / "postgres" / "data" / "standby.signal").touch()
        self.server = servers.Postgres(self.copy, self.port, self.root.parent / "postgres.log", durable=False)
        self.server.start()

    def promote(self):
        self.sql("SELECT pg_promote()")


def _copy(source, target):
    shutil.copy2(source, target)
    shutil.chown(target, Path(source).stat().st_uid, Path(source).stat().st_gid)


def _give_away(copy, original):
    for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
        of = (original / folder.relative_to(copy)).stat()
        shutil.chown(folder, of.st_uid, of.st_gid)


@pytest.fixture
def cluster(server_root, free_port):
    root = Path(mkdtemp(prefix="history-", dir=server_root))
    root.chmod(0o755)
    cluster = Cluster(root, free_port(root.name))
    yield cluster
    cluster.server.stop()


@pytest.fixture
def service(redis_url):
    """Makes a catalogue and an outbox of a database, each with connections of its own."""
    closing = []

    def service(url):
        store, own = RedisStore(redis_url, 1.0), RedisStore(redis_url, 1.0)
        pool, single = Postgres(url, 2, 5.0, on_connect=ADOPTION), Postgres(url, 1, 5.0)
        catalogue = CachedCatalogue(DatabaseCatalogue(pool), CacheAside(store, LIFETIMES), Metrics(), wait_seconds=5.0)
        closing.extend((catalogue, store, own, pool, single))
        return catalogue, Outbox(single, own)

    yield service
    for each in closing:
        each.close()


def lose_changes(sql, outbox, catalogue):
    """The cache is told of changes that the copy does not have."""
    for number in range(3):
        sql(f"UPDATE products SET name = 'Lost {number}' WHERE id = 1")  # noqa: S608
    outbox.drain()
    assert b"Lost 2" in block_on(catalogue.documents([ONE]))[ONE].body
    assert block_on(catalogue.documents([ONE]))[ONE].outcome == "hit"


def ahead_of_a_copy(cluster, service):
    """A catalogue and an outbox of a database whose copy lacks the last changes."""
    catalogue, outbox = service(cluster.server.url)
    outbox.drain()
    cluster.copied()
    lose_changes(cluster.sql, outbox, catalogue)
    return catalogue, outbox


def assert_what_is_there_now_is_served_and_cached(catalogue):
    wait_until(lambda: b"Kept" in block_on(catalogue.documents([ONE]))[ONE].body)
    assert block_on(catalogue.documents([ONE]))[ONE].outcome == "hit"
    assert b"Kept" in block_on(catalogue.documents([ONE]))[ONE].body


@pytest.mark.parametrize("promoted", [True, False], ids=["failover", "backup put back"])
def test_what_a_new_primary_or_a_backup_does_not_have_is_not_served(cluster, service, promoted):
    catalogue, outbox = ahead_of_a_copy(cluster, service)
    cluster.replaced(standby=promoted)
    if promoted:
        cluster.promote()
    cluster.sql("UPDATE products SET name = 'Kept' WHERE id = 1")  # with a version that the lost change had
    outbox.drain()
    assert_what_is_there_now_is_served_and_cached(catalogue)


def test_an_instance_that_meets_a_new_primary_before_the_invalidator_does_serves_nothing_old(cluster, service):
    catalogue, _ = ahead_of_a_copy(cluster, service)
    cluster.replaced(standby=True)
    cluster.promote()
    cluster.sql("UPDATE products SET name = 'Kept' WHERE id = 1")
    block_on(catalogue.documents([Key(Kind.RELATED, 1)]))  # a miss, which connects
    assert_what_is_there_now_is_served_and_cached(catalogue)


def test_a_standby_is_not_used_before_its_promotion(cluster, service):
    """What it lacks would be served, and connections from then would not notice that it was promoted."""
    catalogue, outbox = ahead_of_a_copy(cluster, service)
    cluster.replaced(standby=True)
    listener = Listener(cluster.server.url, "catalogue", 5.0)
    for call in (outbox.drain, lambda: listener.wait(0), lambda: block_on(catalogue.documents([Key(Kind.RELATED, 1)]))):
        with pytest.raises(PostgresUnavailable):
            call()
    cluster.promote()
    cluster.sql("UPDATE products SET name = 'Kept' WHERE id = 1")
    assert listener.wait(0)
    listener.close()
    block_on(catalogue.documents([Key(Kind.RELATED, 1)]))
    assert_what_is_there_now_is_served_and_cached(catalogue)


def test_a_dump_that_takes_the_place_of_its_database_is_noticed(database_url, postgres_server, service):
    name = database_url.rpartition("/")[2]

    def sql(statement, url=database_url):
        with probes.query(url) as cursor:
            cursor.execute(statement)

    sql("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
    sql(f'CREATE DATABASE "{name}_dump" TEMPLATE "{name}"', postgres_server.url)
    catalogue, outbox = service(database_url)
    outbox.drain()
    lose_changes(sql, outbox, catalogue)
    sql(f'DROP DATABASE "{name}" WITH (FORCE)', postgres_server.url)
    sql(f'ALTER DATABASE "{name}_dump" RENAME TO "{name}"', postgres_server.url)
    sql("UPDATE products SET name = 'Kept' WHERE id = 1")
    outbox.drain()
    assert_what_is_there_now_is_served_and_cached(catalogue)
