"""The worker over a cluster: a master that hangs costs its own names alone, nodes that join and leave cost nothing."""

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count

import psycopg2
import pytest

from service.cache.keys import entry_name
from service.cache.redis import open_redis
from service.cache.slots import slot_of
from service.catalogue import Kind
from service.catalogue.outbox import Outbox
from service.errors import RedisUnavailable
from service.postgres import Postgres
from tests.chaos.waits import again_and_again, wait_until
from tests.integration.clusters import home_of
from tests.worker.exchange import exchange

IDS = range(1, 41)
REQUEST = b"GET /products/%d HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def instance(cluster, launch):
    return launch(REDIS_URL=cluster.url)


def test_hits_of_masters_that_answer_are_not_held_up_by_one_that_hangs(cluster, instance, given):
    wait_until(lambda: outcomes_of(instance, IDS) == {"hit"})
    mine = [number for number in IDS if not home_of(slot_of(entry_name(Kind.PRODUCT, number)))]
    others = [number for number in IDS if number not in mine]
    assert mine
    cluster.masters[0].pause()
    with ThreadPoolExecutor(2) as pool:
        waiting = []
        for number in mine[:2]:
            waiting.append(pool.submit(outcomes_of, instance, [number]))
            time.sleep(0.1)  # so that the second batch is in flight too
        began = time.monotonic()
        assert outcomes_of(instance, others) == {"hit"}
        assert time.monotonic() - began < 0.5
        assert all(one.result() == {"bypass"} for one in waiting)
    assert outcomes_of(instance, mine) == {"bypass"}
    cluster.masters[0].resume()
    drain(given["DATABASE_URL"], cluster.url)  # nothing that the master missed is pending then
    wait_until(lambda: outcomes_of(instance, IDS) == {"hit"})


class Feed:
    """Raises all prices; ``announced`` is the last one of which every master has the tombstones."""

    def __init__(self, database_url, redis):
        self._prices, self.announced = count(1000), 0
        self._connection = psycopg2.connect(database_url)
        self._connection.autocommit = True
        self._postgres = Postgres(database_url, 1, 5.0)
        self._outbox = Outbox(self._postgres, redis)

    def __call__(self):
        price = next(self._prices)
        with self._connection.cursor() as cursor:
            cursor.execute("UPDATE products SET default_price = %s WHERE id <= %s", (price, IDS[-1]))
        with suppress(RedisUnavailable):  # the rest is written the next time
            self._outbox.drain()
            self.announced = price

    def has_announced_all(self):
        """Write what is left, as the invalidator does when it comes again."""
        with suppress(RedisUnavailable):
            self._outbox.drain()
            return True
        return False

    def close(self):
        self._connection.close()
        self._postgres.close()


class Reader:
    """Reads all products in turn; counts what fails, and what is older than was announced or read before."""

    def __init__(self, instance, feed):
        self._instance, self._feed, self._newest = instance, feed, dict.fromkeys(IDS, 0)
        self.reads = self.failed = self.older = 0

    def __call__(self):
        for number in IDS:
            known = max(self._feed.announced, self._newest[number])
            head, _, body = exchange(self._instance.address, [REQUEST % number]).partition(b"\r\n\r\n")
            self.reads += 1
            if not head.startswith(b"HTTP/1.1 200"):
                self.failed += 1
                continue
            price = int(float(json.loads(body)["default_price"]))
            self.older += price < known
            self._newest[number] = max(known, price)


def test_nodes_that_join_and_leave_cost_no_read_and_are_forgotten(cluster, instance, given):
    redis = open_redis(cluster.url, 1.0)
    feed = Feed(given["DATABASE_URL"], redis)
    feed()
    reader = Reader(instance, feed)
    name = entry_name(Kind.PRODUCT, 1)
    slots = [slot_of(entry_name(Kind.PRODUCT, number)) for number in IDS[:10]]
    homes = {slot: cluster.masters[home_of(slot)] for slot in slots}
    with again_and_again(feed), again_and_again(reader):
        newcomer = cluster.join()
        for slot, home in homes.items():
            cluster.move(slot, home, newcomer)
        wait_until(lambda: newcomer.client.exists(name) and connections_to(newcomer))
        for slot, home in homes.items():
            cluster.move(slot, newcomer, home)
        cluster.forget(newcomer)
        wait_until(lambda: not connections_to(newcomer))
    wait_until(feed.has_announced_all)
    wait_until(lambda: outcomes_of(instance, IDS) == {"hit"})
    assert (reader.failed, reader.older) == (0, 0)
    assert reader.reads > 100
    view = redis.topology.view
    assert sorted(view.numbers.values()) == [0, 1, 2]  # so the stages of the fast path are used again
    assert redis._breakers.keys() == set(view.nodes.values())
    redis.close()
    feed.close()


def connections_to(node):
    """Those of the service: not the one that asks, and not those by which other masters brought entries."""
    return [each for each in node.client.client_list() if each["cmd"] not in ("client|list", "restore-asking")]


def drain(database_url, redis_url):
    postgres, redis = Postgres(database_url, 1, 5.0), open_redis(redis_url, 1.0)
    wait_until(lambda: _drained(Outbox(postgres, redis)))
    redis.close()
    postgres.close()


def _drained(outbox):
    try:
        outbox.drain()
    except RedisUnavailable:
        return False
    return True


def outcomes_of(instance, ids):
    """X-Cache of reads, one after the other."""
    found = set()
    for number in ids:
        head = exchange(instance.address, [REQUEST % number])
        found.add(re.search(rb"X-Cache: (\S+)", head)[1].decode())
    return found
