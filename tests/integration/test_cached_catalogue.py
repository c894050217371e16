import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg2
import pytest
import redis

from deploy.local.servers import Redis
from service.cache.aside import CacheAside, Lifetimes
from service.cache.entry import Entry
from service.cache.keys import entry_name
from service.cache.redis_store import RedisStore
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import DatabaseCatalogue
from service.catalogue.outbox import Outbox
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.metrics import Metrics, exposition
from tests.blocking import blocking
from tests.chaos.waits import wait_until

ONE, TWO, NONE = Key(Kind.CARD, 1), Key(Kind.CARD, 2), Key(Kind.CARD, 99)
LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=50)


class Source:
    """The real catalogue, its calls counted, and able to stand still between reading and answering."""

    def __init__(self, catalogue):
        self.catalogue, self.calls, self.read, self.go_on = catalogue, [], threading.Event(), threading.Event()
        self.go_on.set()
        self.down = False

    async def documents(self, keys):
        self.calls.append(set(keys))
        if self.down:
            raise PostgresUnavailable
        documents = await self.catalogue.documents(keys)
        self.read.set()
        assert self.go_on.wait(10)
        return documents


class Wall:
    """A clock that can be put forward."""

    ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@pytest.fixture
def source(postgres):
    return Source(DatabaseCatalogue(postgres))


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def catalogue(source, store, outbox, wall):
    catalogue = CachedCatalogue(source, CacheAside(store, LIFETIMES, wall), Metrics(), wait_seconds=5.0)
    yield catalogue
    source.go_on.set()
    catalogue.close()


def outcomes(catalogue, *keys):
    served = block_on(catalogue.documents(keys))
    return [served[key].outcome for key in keys]


def test_a_miss_fills_and_the_next_is_a_hit_also_for_what_does_not_exist(catalogue, source):
    first = block_on(catalogue.documents([ONE, NONE]))
    again = block_on(catalogue.documents([ONE, TWO, NONE]))
    assert outcomes(catalogue, ONE, TWO, NONE) == ["hit"] * 3
    assert [again[key].outcome for key in (ONE, TWO, NONE)] == ["hit", "miss", "hit"]
    assert again[ONE].body == first[ONE].body is not None
    assert again[NONE].body is None
    assert source.calls == [{ONE, NONE}, {TWO}]


def test_kinds_may_be_mixed_and_keys_repeated(catalogue):
    keys = [Key(kind, number) for kind in Kind for number in (1, 1, 99)]
    assert set(block_on(catalogue.documents(keys))) == set(keys)
    assert {one.outcome for one in block_on(catalogue.documents(keys)).values()} == {"hit"}


def test_a_change_is_a_miss_once_the_outbox_is_drained_and_for_its_product_only(catalogue, outbox, change):
    block_on(catalogue.documents([ONE, TWO, NONE]))
    change("UPDATE products SET name = 'New' WHERE id = 1")
    assert outbox.drain() == 1
    assert outbox.drain() == 0
    assert outcomes(catalogue, ONE, TWO) == ["miss", "hit"]
    assert b"New" in block_on(catalogue.documents([ONE]))[ONE].body


def test_an_inserted_product_is_seen(catalogue, outbox, change):
    block_on(catalogue.documents([NONE]))
    change("INSERT INTO products VALUES (99, 'Late', '', '', '', 5)")
    outbox.drain()
    assert b"Late" in block_on(catalogue.documents([NONE]))[NONE].body


def test_a_deleted_product_is_gone(catalogue, outbox, change):
    block_on(catalogue.documents([ONE]))
    change("DELETE FROM products WHERE id = 1")
    outbox.drain()
    assert block_on(catalogue.documents([ONE]))[ONE].body is None


def test_a_redelivered_tombstone_costs_no_miss(catalogue, outbox, change, store):
    change("UPDATE products SET name = 'New' WHERE id = 1")
    delivered = []
    put = store.put
    store.put = lambda *told: delivered.append(told) or put(*told)
    outbox.drain()
    store.put = put
    assert outcomes(catalogue, ONE) == ["miss"]
    for epoch, entries in delivered:
        block_on(put(epoch, entries))
    assert outcomes(catalogue, ONE) == ["hit"]


def test_a_tombstone_that_comes_late_costs_no_miss(catalogue, outbox, change, source):
    change("UPDATE products SET name = 'New' WHERE id = 1")
    assert b"New" in block_on(catalogue.documents([ONE]))[ONE].body  # read before the outbox was drained
    assert outbox.drain() == 1
    assert outcomes(catalogue, ONE) == ["hit"]
    assert source.calls == [{ONE}]


def test_tombstones_in_the_wrong_order_leave_the_newest(catalogue, outbox, change, store):
    delivered, put = [], store.put
    store.put = lambda *told: delivered.append(told) or put(*told)
    for name in "abc":
        change("UPDATE products SET name = %s WHERE id = 1", (name,))
        outbox.drain()
    store.put = put
    assert b'"c"' in block_on(catalogue.documents([ONE]))[ONE].body
    for told in reversed(delivered):
        block_on(put(*told))
    assert outcomes(catalogue, ONE) == ["hit"]
    assert b'"c"' in block_on(catalogue.documents([ONE]))[ONE].body


@pytest.fixture
def overtaken(catalogue, source, outbox, change):
    """Starts a reader that has read a row which is then changed, and told of, before it can fill the cache."""
    source.go_on.clear()
    with ThreadPoolExecutor() as pool:
        reader = pool.submit(blocking(catalogue.documents), [ONE])
        assert source.read.wait(10)
        change("UPDATE products SET name = 'New' WHERE id = 1")
        outbox.drain()
        yield reader
        source.go_on.set()


def test_a_fill_from_before_redis_was_emptied_is_not_stored(overtaken, catalogue, source, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()  # and forgets that the product changed
    with ThreadPoolExecutor() as pool:
        other = pool.submit(blocking(catalogue.documents), [TWO])
        source.go_on.set()
        other.result(10)
    assert b"One" in overtaken.result(10)[ONE].body  # it was asked for before the change
    served = block_on(catalogue.documents([ONE]))[ONE]
    assert b"New" in served.body
    assert served.outcome == "bypass"


def test_a_request_after_a_change_does_not_get_what_was_read_before_it(overtaken, catalogue, source, store):
    asked, get = threading.Event(), store.get

    async def noted(names):
        found = await get(names)
        asked.set()
        return found

    store.get = noted
    with ThreadPoolExecutor() as pool:
        joined = pool.submit(blocking(catalogue.documents), [ONE])
        assert asked.wait(10)
        source.go_on.set()
        assert b"One" in overtaken.result(10)[ONE].body
        assert b"New" in joined.result(10)[ONE].body


def test_a_fill_that_was_overtaken_by_a_change_is_not_stored(overtaken, catalogue, source):
    source.go_on.set()
    assert b"One" in overtaken.result(10)[ONE].body
    served = block_on(catalogue.documents([ONE]))[ONE]
    assert b"New" in served.body
    assert served.outcome == "miss"


def test_a_bulk_change_of_the_epoch_makes_everything_a_miss(catalogue, outbox, change):
    block_on(catalogue.documents([ONE, NONE]))
    change("SELECT catalogue_raise_epoch('{}')")
    outbox.drain()
    assert outcomes(catalogue, ONE, NONE) == ["miss", "miss"]
    assert outcomes(catalogue, ONE, NONE) == ["hit", "hit"]


@pytest.fixture
def open_writer(database_url):
    """Begins a change of product 1 whose epoch is raised by another before it commits."""

    @contextmanager
    def open_writer(isolation):
        connection = psycopg2.connect(database_url)
        connection.set_session(isolation)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM products")
            yield cursor
        connection.commit()
        connection.close()

    return open_writer


UPDATE = "UPDATE products SET name = 'New' WHERE id = 1"


@pytest.mark.parametrize(("isolation", "early"), [("READ COMMITTED", True), ("REPEATABLE READ", False)])
def test_a_change_that_commits_after_the_epoch_was_raised_is_seen(
    catalogue, outbox, change, open_writer, isolation, early
):
    with open_writer(isolation) as writer:
        if early:
            writer.execute(UPDATE)
        change("TRUNCATE related_products")
        outbox.drain()
        assert b"One" in block_on(catalogue.documents([ONE]))[ONE].body
        assert outcomes(catalogue, ONE) == ["hit"]
        if not early:
            writer.execute(UPDATE)
    outbox.drain()
    served = block_on(catalogue.documents([ONE]))[ONE]
    assert (b"New" in served.body, served.outcome) == (True, "miss")
    assert outcomes(catalogue, ONE) == ["hit"]


def test_a_soft_expired_entry_is_answered_at_once_and_refreshed_once(catalogue, source, wall, redis_url):
    block_on(catalogue.documents([ONE]))
    wall.ahead = 200
    source.go_on.clear()
    source.read.clear()
    assert outcomes(catalogue, ONE) == ["stale"]  # while the refresh stands still
    assert source.read.wait(10)
    assert outcomes(catalogue, ONE) == ["stale"]
    source.go_on.set()
    with redis.Redis.from_url(redis_url) as client:
        deadline = time.monotonic() + 10
        while Entry.decode(client.get(entry_name(*ONE))).fresh_until < wall():
            assert time.monotonic() < deadline
    assert outcomes(catalogue, ONE) == ["hit"]
    assert source.calls == [{ONE}, {ONE}]


def test_without_postgres_hits_and_stale_entries_are_answered_and_misses_raise(catalogue, source, wall):
    block_on(catalogue.documents([ONE]))
    source.down = True
    assert outcomes(catalogue, ONE) == ["hit"]
    wall.ahead = 200
    assert outcomes(catalogue, ONE) == ["stale"]
    with pytest.raises(PostgresUnavailable):
        block_on(catalogue.documents([ONE, TWO]))


def test_without_redis_everything_is_a_bypass(source, change):
    store = RedisStore("redis://127.0.0.1:1/0", 0.1)
    catalogue = CachedCatalogue(source, CacheAside(store, LIFETIMES), Metrics(), wait_seconds=5.0)
    assert outcomes(catalogue, ONE, NONE) == ["bypass", "bypass"]
    assert block_on(catalogue.documents([ONE]))[ONE].body.startswith(b'{"id":1')
    catalogue.close()
    store.close()


def test_without_redis_readers_of_the_same_share_one_load(source, change):
    store = RedisStore("redis://127.0.0.1:1/0", 0.1)
    catalogue = CachedCatalogue(source, CacheAside(store, LIFETIMES), Metrics(), wait_seconds=5.0)
    joined, result = threading.Event(), catalogue._single_flight._result
    catalogue._single_flight._result = lambda flight: (joined.set(), result(flight))[1]
    source.go_on.clear()
    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(outcomes, catalogue, ONE) for _ in range(2)]
        assert joined.wait(10)
        source.go_on.set()
        assert [reader.result(10) for reader in readers] == [["bypass"]] * 2
    assert source.calls == [{ONE}]
    catalogue.close()
    store.close()


def test_an_emptied_redis_fills_again(catalogue, redis_url):
    block_on(catalogue.documents([ONE]))
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    assert outcomes(catalogue, ONE) == ["miss"]
    assert outcomes(catalogue, ONE) == ["hit"]


@pytest.fixture
def own_redis(server_root, free_port):
    """A Redis that a test may restart."""
    root = Path(mkdtemp(prefix="own-redis-", dir=server_root))
    root.chmod(0o755)
    redis_server = Redis(root, free_port(root.name), root / "redis.log")
    redis_server.start()
    yield redis_server
    redis_server.stop()


def test_a_redis_that_comes_back_with_an_older_data_set_serves_nothing_of_it(source, own_redis, postgres, change):
    store = RedisStore(own_redis.url, 1.0)
    catalogue = CachedCatalogue(source, CacheAside(store, LIFETIMES), Metrics(), wait_seconds=5.0)
    outbox = Outbox(postgres, store)
    outbox.drain()
    assert [outcomes(catalogue, ONE, TWO) for _ in range(2)] == [["miss"] * 2, ["hit"] * 2]
    with redis.Redis.from_url(own_redis.url) as client:
        client.save()
    change("UPDATE products SET name = 'New' WHERE id = 1")
    outbox.drain()
    own_redis.kill()
    own_redis.start()
    with redis.Redis.from_url(own_redis.url) as client:
        assert client.exists(entry_name(*ONE))
    wait_until(lambda: outcomes(catalogue, TWO) == ["hit"])
    assert b"New" in block_on(catalogue.documents([ONE]))[ONE].body
    assert outcomes(catalogue, ONE) == ["hit"]
    catalogue.close()
    store.close()


def test_everything_served_is_counted(source, store, outbox):
    metrics = Metrics()
    catalogue = CachedCatalogue(source, CacheAside(store, LIFETIMES), metrics, wait_seconds=5.0)
    for _ in range(3):
        block_on(catalogue.documents([ONE, TWO]))
    catalogue.close()
    text = exposition.text(metrics).decode()
    assert 'overview_documents_total{kind="card",outcome="miss"} 2.0' in text
    assert 'overview_documents_total{kind="card",outcome="hit"} 4.0' in text
    assert 'overview_fills_total{outcome="stored"} 2.0' in text
