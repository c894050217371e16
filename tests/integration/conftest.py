"""Catalogues on disk and in databases, and connections to them."""

import socket
from collections.abc import Callable, Iterator

import psycopg2
import pytest

from deploy.local.servers import Nginx
from service.cache.redis_store import RedisStore
from service.catalogue.outbox import Outbox
from service.postgres import Postgres
from service.resources import Resources
from tests import catalogue_files
from tests.integration.loads import run
from tests.integration.upstream import Upstream, serving


@pytest.fixture
def files(tmp_path):
    return catalogue_files.write(tmp_path / "files")


@pytest.fixture
def loaded_url(database_url, files):
    run(database_url, files)
    return database_url


@pytest.fixture(scope="module")
def old_url(new_database, migrated_template, tmp_path_factory):
    """A database that no test changes."""
    url = new_database(migrated_template)
    run(url, catalogue_files.write(tmp_path_factory.mktemp("old")))
    return url


@pytest.fixture
def change(database_url):
    """Runs a statement past the service, on a catalogue of two products."""
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5), (2, 'Two', '', '', '', 5)")
        yield cursor.execute
    connection.close()


@pytest.fixture
def postgres(database_url, change):
    postgres = Postgres(database_url, 4, 5.0)
    yield postgres
    postgres.close()


@pytest.fixture
def store(redis_url):
    store = RedisStore(redis_url, 1.0)
    yield store
    store.close()


@pytest.fixture
def outbox(postgres, store):
    """Drained once, so that Redis knows the epoch."""
    outbox = Outbox(postgres, store)
    outbox.drain()
    return outbox


@pytest.fixture
def open_instance():
    """Opens what an instance has, with the settings that a test gives."""
    opened = []

    def open_instance(settings):
        opened.append(Resources.open(settings))
        return opened[-1]

    yield open_instance
    for parts in opened:
        parts.close()


@pytest.fixture
def open_outbox():
    """Opens the outbox of a database, drained once."""
    opened = []

    def open_outbox(database_url, redis_url):
        store, postgres = RedisStore(redis_url, 1.0), Postgres(database_url, 1, 5.0)
        opened.extend((store, postgres))
        outbox = Outbox(postgres, store)
        outbox.drain()
        return outbox

    yield open_outbox
    for each in opened:
        each.close()


@pytest.fixture
def make_pool(database_url):
    pools = []

    def make(size=2, timeout_seconds=5.0, url=database_url):
        pools.append(Postgres(url, size, timeout_seconds))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def administrator(database_url):
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


@pytest.fixture
def black_hole():
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"postgresql://nobody:hunter2@127.0.0.1:{listener.getsockname()[1]}/none"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream()) as running:
        yield running


@pytest.fixture
def nginx(nginx_server: Callable[..., Nginx], upstream: Upstream) -> Nginx:
    return nginx_server(upstream.address)
