import os
import signal
import threading
import time

import pytest
import redis

from service import invalidator
from service.cache.entry import Entry, State
from service.cache.keys import EPOCH, SILENT_LISTENERS, entry_name
from service.catalogue.outbox import Outbox
from service.errors import RedisUnavailable
from service.postgres import Postgres
from service.settings import Settings


@pytest.fixture
def start(database_url):
    threads, stop = [], threading.Event()

    def start(redis_url):
        settings = Settings(database_url=database_url, redis_url=redis_url, cart_secret="s" * 32)
        threads.append(threading.Thread(target=invalidator.run, args=(settings, stop)))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


def test_a_change_reaches_redis_while_it_runs(start, administrator, redis_url):
    start(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: client.get(EPOCH))
        administrator.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
        until(lambda: client.get(entry_name("styles", 1)))
        assert Entry.decode(client.get(entry_name("styles", 1))).state is State.TOMBSTONE

        def drained():
            administrator.execute("SELECT count(*) FROM catalogue_outbox")
            return administrator.fetchone() == (0,)

        until(drained)


def test_while_redis_is_down_changes_wait(start, administrator, caplog):
    start("redis://127.0.0.1:1/0")
    administrator.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
    until(lambda: "invalidations are pending" in caplog.text)
    administrator.execute("SELECT count(*) FROM catalogue_outbox")
    assert administrator.fetchone() == (1,)


def test_two_of_them_and_many_changes_leave_the_newest(start, administrator, redis_url):
    start(redis_url)
    start(redis_url)
    for name in range(300):
        administrator.execute("INSERT INTO products VALUES (%s, '', '', '', '', 5)", (name + 1,))
        administrator.execute("UPDATE products SET name = 'x' WHERE id = 1")
    administrator.execute("SELECT version FROM products WHERE id = 1")
    ((newest,),) = administrator.fetchall()
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: (found := client.get(entry_name("card", 1))) and Entry.decode(found).version == newest)
        until(lambda: client.exists(*(entry_name("card", number + 1) for number in range(300))) == 300)


def test_a_listener_that_falls_silent_is_noticed_and_listens_again(start, administrator, redis_url, caplog):
    """Its backend stands still: the connection is open, and nothing comes."""
    start(redis_url)
    administrator.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: client.get(entry_name("card", 1)))
        listening = "SELECT pid FROM pg_stat_activity WHERE application_name = 'overview catalogue'"
        administrator.execute(f"{listening} AND datname = current_database()")
        ((backend,),) = administrator.fetchall()
        os.kill(backend, signal.SIGSTOP)
        try:
            until(lambda: client.get(SILENT_LISTENERS) == b"1")
            lags = [lag(administrator, client, price) for price in range(10, 15)]
        finally:
            os.kill(backend, signal.SIGCONT)
    assert "notifications do not arrive" in caplog.text
    assert sorted(lags)[2] < 0.1


def lag(administrator, client, price):
    """Seconds from a change until its tombstone is there."""
    administrator.execute("UPDATE products SET default_price = %s RETURNING version", (price,))
    ((version,),) = administrator.fetchall()
    began = time.monotonic()
    until(lambda: Entry.decode(client.get(entry_name("card", 1))).version == version)
    return time.monotonic() - began


def test_a_redis_that_takes_few_tombstones_in_time_is_told_in_smaller_bites(outbox, store, administrator, redis_url):
    put, taken = store.put, []

    async def slow(epoch, entries, *limits):
        if len(entries) > 100:
            raise RedisUnavailable
        taken.append(len(entries))
        return await put(epoch, entries, *limits)

    administrator.execute("INSERT INTO products SELECT n, '', '', '', '', 1 FROM generate_series(1, 1000) AS n")
    store.put = slow
    with pytest.raises(RedisUnavailable):
        outbox.drain()
    while True:
        try:
            outbox.drain()
            break
        except RedisUnavailable:
            assert len(taken) < 1000
    assert sum(taken) >= 4000
    with redis.Redis.from_url(redis_url) as client:
        assert client.exists(*(entry_name("card", number + 1) for number in range(1000))) == 1000
    administrator.execute("SELECT count(*) FROM catalogue_outbox")
    assert administrator.fetchone() == (0,)


@pytest.fixture
def outbox(database_url, store):
    postgres = Postgres(database_url, 1, 5.0)
    yield Outbox(postgres, store)
    postgres.close()
