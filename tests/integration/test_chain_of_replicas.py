"""A primary, its standby, and a standby of that: which are read, how that is watched, and the failover at the end."""

import threading
import time
import uuid
from contextlib import suppress

import pytest
import redis

from deploy.local import probes
from service import deadline
from service.app import create_app
from service.cache.keys import POSITION
from service.catalogue.database import REPLAYED
from service.catalogue.replicas import Replica
from service.coroutines import block_on
from service.errors import PostgresUnavailable, ReplicaBehind
from service.invalidator import run
from service.metrics.counting import totals
from service.metrics.series import REPLICA_READS, SERIES
from service.postgres import Call, Postgres
from service.settings import Settings
from service.watch import exposition
from service.watch.collector import Collector
from service.watch.snapshot import snapshot
from service.web import EXTENSION
from tests.chaos.waits import wait_until
from tests.integration.replication import Pair, body, forget, primary_down, started


class Chain(Pair):
    """Its ``cascade`` follows the standby."""

    def __init__(self, root, port):
        super().__init__(root, port, synchronous_commit="on")
        self.cascade = self.follow(self.standby, "cascade")
        self.sql("INSERT INTO styles VALUES (1, 1, '', 5, NULL, true)")
        self.sql("INSERT INTO skus SELECT n, 1, 'M', 5 FROM generate_series(1, 90) AS n")

    @property
    def replicas(self):
        """Both, as hosts of one URL."""
        return self.standby.url.replace(self.standby.address, f"{self.standby.address},{self.cascade.address}")

    def be_synchronous(self):
        """Have commits wait for the standby."""
        self.configure(self.primary, synchronous_standby_names=self.standby.name)
        wait_until(lambda: self.sql("SELECT sync_state FROM pg_stat_replication") == [("sync",)])

    def cut_off(self, standby):
        """Have a standby of the primary receive nothing more."""
        self.configure(standby, primary_conninfo="")
        wait_until(lambda: self.sql("SELECT 1 FROM pg_stat_replication") == [])

    def delay(self, standby, delay):
        self.configure(standby, recovery_min_apply_delay=delay)
        wait_until(lambda: self.sql("SHOW recovery_min_apply_delay", server=standby) == [(delay,)])


@pytest.fixture(scope="module")
def servers(server_root, free_port):
    with started(Chain, server_root, free_port) as chain:
        yield chain


@pytest.fixture
def chain(servers):
    """Both standbys follow at the end of each test."""
    yield servers
    if not servers.cascade.alive():
        servers.cascade.start()
    for standby in (servers.standby, servers.cascade):
        standby.resume()
        servers.delay(standby, "0")
    if servers.primary.alive():
        servers.configure(servers.primary, synchronous_standby_names="")


@pytest.fixture
def outbox(chain, redis_url, open_outbox):
    outbox = open_outbox(chain.primary.url, redis_url)
    for standby in (chain.standby, chain.cascade):
        chain.caught_up(standby)
    return outbox


@pytest.fixture
def instance(chain, redis_url, open_instance):
    """Opens one that reads from these replicas."""

    def instance(replicas, database_url=chain.primary.url, timeout_seconds=8.0):  # for busy machines
        reads = {"database_read_url": replicas, "postgres_timeout_seconds": timeout_seconds}
        return open_instance(Settings(database_url, redis_url, "s" * 32, **reads))

    return instance


def reads(parts):
    """How many reads had each outcome."""
    counts = dict(zip(SERIES, totals(parts.metrics.memory), strict=True))
    series = zip(REPLICA_READS.labels["outcome"], REPLICA_READS.series(), strict=True)
    return {outcome: counts[name] for outcome, name in series if counts[name]}


def test_a_standby_of_a_standby_is_read_while_it_has_what_was_announced(chain, outbox, instance, redis_url):
    parts = instance(chain.cascade.url)
    chain.rename("Cascading")
    outbox.drain()
    chain.caught_up(chain.cascade)
    assert b"Cascading" in body(parts)
    assert reads(parts) == {"served": 1}
    chain.standby.pause()
    chain.rename("Ahead of the cascade")
    outbox.drain()
    forget(redis_url)
    assert b"Ahead of the cascade" in body(parts)
    assert reads(parts) == {"served": 1, "behind": 1}


@pytest.mark.parametrize("name", ["standby", "cascade"])
def test_of_two_replicas_the_one_an_hour_behind_is_not_read(chain, outbox, instance, redis_url, name):
    late, current = getattr(chain, name), {"standby": chain.cascade, "cascade": chain.standby}[name]
    parts = instance(chain.replicas)
    chain.delay(late, "1h")
    chain.rename(f"While the {name} is late")
    outbox.drain()
    chain.caught_up(current)
    primary_down(parts)
    for _ in range(20):
        forget(redis_url)
        assert f"While the {name} is late".encode() in body(parts)
    assert reads(parts) == {"served": 20}


def test_reads_are_counted_by_what_became_of_them(chain, outbox, instance, redis_url):
    parts = instance(chain.cascade.url)
    assert body(parts)
    chain.delay(chain.cascade, "1h")
    chain.rename("Not there yet")
    outbox.drain()
    for _ in range(2):  # within the pause too
        assert block_on(parts.lists.ids_after(0, 1)) == ([1], True)
    assert reads(parts) == {"served": 1, "behind": 2}
    chain.cascade.kill()
    wait_until(lambda: block_on(parts.lists.ids_after(0, 1)) and "failed" in reads(parts))
    assert block_on(parts.lists.ids_after(0, 1)) == ([1], True)
    assert reads(parts)["failed"] == 2
    with redis.Redis.from_url(redis_url) as client:
        client.delete(POSITION)
    assert block_on(parts.lists.ids_after(0, 1)) == ([1], True)
    assert (reads(parts)["failed"], reads(parts)["no-position"]) == (2, 1)


def test_the_log_says_once_that_a_replica_is_skipped_for_long_and_that_it_is_read_again(chain, outbox, log_lines):
    now = [100.0]
    ((epoch,),) = chain.sql("SELECT epoch FROM current_epoch")
    postgres = Postgres(chain.cascade.url, 1, 2.0, of_replica=True)
    replica = Replica("replica.example:5432", postgres, lambda: now[0])

    def read(seconds, position):
        now[0] += seconds
        with suppress(ReplicaBehind):
            block_on(replica.run(Call(REPLAYED, (epoch, position))))
        return [(line["message"], line["replica"], line.get("reason")) for line in log_lines()]

    far, name = 2**60, "replica.example:5432"
    assert read(0, far) == read(0.9, far) == read(0, 0) == read(0.2, far) == read(0.9, far) == []
    skipped = [("a replica is skipped", name, "behind")]
    assert read(0.2, far) == read(5, far) == skipped
    back = [*skipped, ("a replica is read again", name, None)]
    assert read(0, 0) == read(5, 0) == read(0, far) == back
    postgres.close()


def test_the_watch_process_sees_how_far_each_replica_is(chain, outbox, redis_url, closed_port):
    urls = chain.primary.url, redis_url, "s" * 32
    every = chain.replicas.replace(chain.standby.address, f"{chain.primary.address},{chain.standby.address}")
    collector = Collector(Settings(*urls, database_read_url=every, instances=closed_port))

    def seen():
        collector.pull()
        return {each.pop("address"): each for each in snapshot(collector, "1m")["postgres"]["replicas"]}

    first, second = chain.standby.address, chain.cascade.address
    current = {"state": "up", "lag_bytes": 0, "lag_seconds": 0.0}
    wait_until(lambda: seen() == {first: current, second: current})
    chain.delay(chain.standby, "1h")
    chain.rename("Late")
    chain.caught_up(chain.cascade)
    found = seen()
    assert found[second] == current
    assert found[first]["lag_bytes"] > 0
    assert 0 < found[first]["lag_seconds"] < 60
    chain.standby.pause()
    chain.rename("Not even received")
    assert seen()[first] == {"state": "down"}
    found = seen()[second]
    assert found["lag_bytes"] > 0
    assert ("replica", first) in {(event.kind, event.source) for event in collector.storage.events()}
    text = exposition.metrics(collector).decode()
    assert f'overview_replica_up{{replica="{first}"}} 0.0' in text
    assert f'overview_replica_lag_seconds{{replica="{first}"}} NaN' in text
    assert f'overview_replica_lag_bytes{{replica="{second}"}} {found["lag_bytes"]}.0' in text
    collector.close()


def test_an_addition_that_no_standby_confirms_is_503_and_is_answered_by_its_key_once_one_does(chain, outbox, redis_url):
    app = create_app(Settings(chain.primary.url, redis_url, "s" * 32, postgres_timeout_seconds=0.5))
    client = app.test_client()

    def add():
        answer = client.post("/cart", json={"sku_id": 90}, headers={"Idempotency-Key": "one of the tests"})
        return answer.status_code, answer.headers.get("Retry-After"), answer.headers.get("Idempotency-Replayed")

    def nobody_waits():
        return chain.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == [(0,)]

    chain.be_synchronous()
    chain.standby.pause()
    for _ in range(2):
        assert add() == (503, "1", None)
        wait_until(nobody_waits)
    assert chain.sql("SELECT count FROM cart_lines WHERE sku_id = 90") == [(1,)]
    chain.standby.resume()
    wait_until(lambda: add() == (201, None, "true"))
    assert client.get("/cart").json == [{"sku_id": 90, "count": 1}]
    app.extensions[EXTENSION].close()


def test_invalidations_do_not_wait_for_a_synchronous_standby(chain, outbox, redis_url):
    """Changes need not either: a subscription's are committed without."""
    chain.be_synchronous()
    chain.standby.pause()
    change = "SET synchronous_commit = local; UPDATE products SET name = 'Fed' WHERE id = 1"
    with probes.query(chain.primary.url) as cursor:
        for _ in range(200):  # rows of the outbox, of which a call takes a part
            cursor.execute(change)
    stop = threading.Event()
    settings = Settings(chain.primary.url, redis_url, "s" * 32, postgres_timeout_seconds=10.0)
    invalidator = threading.Thread(target=run, args=(settings, stop))
    invalidator.start()
    wait_until(lambda: chain.sql("SELECT count(*) FROM catalogue_outbox") == [(0,)])
    stop.set()
    invalidator.join()


def test_acknowledged_writes_survive_a_failover_after_which_the_cascade_is_read(
    chain, outbox, instance, redis_url, open_outbox
):
    """Replication is synchronous, and the standby lacks what was written last. Nothing is restarted.

    The last test: the primary is gone.
    """
    both = f"{chain.primary.address},{chain.standby.address}"
    chain.be_synchronous()
    url = chain.primary.url.replace(chain.primary.address, both) + "?target_session_attrs=read-write"
    parts, outbox, cart = instance(chain.cascade.url, url), open_outbox(url, redis_url), uuid.uuid4()
    alone = instance("", url, timeout_seconds=0.5)
    made = [sku for sku in range(1, 31) if added(parts, cart, sku)]
    assert body(parts)
    chain.cut_off(chain.standby)
    with deadline.within(0.3):
        if added(parts, cart, 32):
            made.append(32)
    chain.primary.kill()
    chain.configure(chain.standby, synchronous_standby_names="lost")
    began = time.monotonic()
    chain.standby.promote()
    forget(redis_url)
    wait_until(lambda: is_read(alone))  # though no standby confirms the new epoch
    chain.configure(chain.standby, synchronous_standby_names="")
    wait_until(lambda: added(parts, cart, 31))
    assert time.monotonic() - began < 10.0
    chain.rename("After", chain.standby)
    wait_until(lambda: drained(outbox))
    lines = chain.sql("SELECT sku_id FROM cart_lines WHERE cart_id = %s", (str(cart),), chain.standby)
    assert set(made) | {31} == {sku for (sku,) in lines}
    assert len(made) == 30
    chain.caught_up(chain.cascade, chain.standby)
    assert chain.sql("SELECT received_tli FROM pg_stat_wal_receiver", server=chain.cascade) == [(2,)]
    served = reads(parts)["served"]
    primary_down(parts)
    wait_until(lambda: b"After" in body(parts))
    assert reads(parts)["served"] == served + 1


def added(parts, cart, sku):
    try:
        block_on(parts.carts.set(cart, sku, 1))
    except PostgresUnavailable:
        return False
    return True


def is_read(parts):
    try:
        return body(parts) is not None
    except PostgresUnavailable:
        return False


def drained(outbox):
    try:
        outbox.drain()
    except PostgresUnavailable:
        return False
    return True
