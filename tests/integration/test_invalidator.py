import threading
import time

import psycopg2
import pytest
import redis

from service import invalidator
from service.cache.entry import Entry, State
from service.cache.keys import EPOCH, entry_name
from service.settings import Settings


@pytest.fixture
def change(database_url):
    connection = psycopg2.connect(database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


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


def test_a_change_reaches_redis_while_it_runs(start, change, redis_url):
    start(redis_url)
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: client.get(EPOCH))
        change.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
        until(lambda: client.get(entry_name("styles", 1)))
        assert Entry.decode(client.get(entry_name("styles", 1))).state is State.TOMBSTONE

        def drained():
            change.execute("SELECT count(*) FROM catalogue_outbox")
            return change.fetchone() == (0,)

        until(drained)


def test_while_redis_is_down_changes_wait(start, change, caplog):
    start("redis://127.0.0.1:1/0")
    change.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
    until(lambda: "changes wait in the outbox" in caplog.text)
    change.execute("SELECT count(*) FROM catalogue_outbox")
    assert change.fetchone() == (1,)


def test_two_of_them_and_many_changes_leave_the_newest(start, change, redis_url):
    start(redis_url)
    start(redis_url)
    for name in range(300):
        change.execute("INSERT INTO products VALUES (%s, '', '', '', '', 5)", (name + 1,))
        change.execute("UPDATE products SET name = 'x' WHERE id = 1")
    change.execute("SELECT version FROM products WHERE id = 1")
    ((newest,),) = change.fetchall()
    with redis.Redis.from_url(redis_url) as client:
        until(lambda: (found := client.get(entry_name("card", 1))) and Entry.decode(found).version == newest)
        until(lambda: client.exists(*(entry_name("card", number + 1) for number in range(300))) == 300)
