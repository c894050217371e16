"""The worker over a cluster: a master that hangs costs its own names alone, through the fast path too."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.cache.keys import entry_name
from service.cache.redis import open_redis
from service.cache.slots import SLOTS, slot_of
from service.catalogue import Kind
from service.catalogue.outbox import Outbox
from service.errors import RedisUnavailable
from service.postgres import Postgres
from tests.chaos.waits import wait_until
from tests.integration.clusters import Cluster
from tests.worker.exchange import exchange

IDS = range(1, 41)


@pytest.fixture
def cluster(server_root, free_port):
    cluster = Cluster(server_root, free_port)
    yield cluster
    cluster.stop()


def test_hits_of_masters_that_answer_are_not_held_up_by_one_that_hangs(cluster, launch, given):
    instance = launch(REDIS_URL=cluster.url, REDIS_TIMEOUT_SECONDS="1")
    wait_until(lambda: outcomes_of(instance, IDS) == {"hit"})
    mine = [number for number in IDS if slot_of(entry_name(Kind.PRODUCT, number)) < SLOTS // 3]
    others = [number for number in IDS if number not in mine]
    assert mine
    cluster.replicas[0].pause()  # nobody takes its place
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
    cluster.replicas[0].resume()
    drain(given["DATABASE_URL"], cluster.url)  # nothing that the master missed is pending then
    wait_until(lambda: outcomes_of(instance, IDS) == {"hit"})


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
        head = exchange(instance.address, [b"GET /products/%d HTTP/1.1\r\nHost: a\r\n\r\n" % number])
        found.add(re.search(rb"X-Cache: (\S+)", head)[1].decode())
    return found
