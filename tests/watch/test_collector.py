import time
from dataclasses import replace

import pytest

from deploy.local import probes
from service.cache.keys import EPOCH
from service.cache.redis_store import RedisStore
from service.coroutines import block_on
from service.watch.app import create_app
from service.watch.collector import Collector
from service.watch.snapshot import snapshot
from tests.chaos.waits import wait_until
from tests.watch.reports import HITS, MISSES


def count(instance, hits=0, misses=0, second=None):
    """Have an instance count these by the last complete second."""
    instance.counts[HITS] += hits
    instance.counts[MISSES] += misses
    instance.row(int(time.time()) - 1 if second is None else second)


def test_documents_of_all_instances_are_added_up(collector, instances):
    for instance in instances:
        count(instance, hits=9, misses=1)
    collector.pull()
    product = snapshot(collector, "1m")["kinds"]["product"]
    assert product["1m"] == {
        "hit": 18,
        "stale": 0,
        "miss": 2,
        "bypass": 0,
        "rate": 0.9,
        "per_second": product["1m"]["per_second"],
    }
    assert product["total"]["hit"] == product["24h"]["hit"] == 18
    assert snapshot(collector, "1m")["kinds"]["card"]["1m"]["rate"] is None


def test_now_waits_for_the_slowest_instance_that_responds(collector, instances):
    now = int(time.time())
    count(instances[0], hits=5, second=now - 1)
    count(instances[1], hits=5, second=now - 3)
    collector.pull()
    assert collector.time == now - 3
    instances[1].hang()
    collector.pull()
    assert collector.time == now - 1


def test_an_instance_that_stopped_counting_does_not_stop_the_page(collector, instances):
    now = int(time.time())
    count(instances[0], hits=5, second=now - 1)
    count(instances[1], hits=5, second=now - 60)
    collector.pull()
    assert now - collector.time < 10


def test_a_silent_instance_is_named_and_its_counts_stay(collector, instances):
    for instance in instances:
        count(instance, hits=10)
    collector.pull()
    instances[1].hang()
    began = time.monotonic()
    collector.pull()
    assert time.monotonic() - began < 0.7
    found = snapshot(collector, "1m")
    assert f"1 of 2 instances respond, not {instances[1].address}" in found["sentence"]
    assert found["events"] == []
    assert found["instances"][1]["state"] == "silent"
    assert found["kinds"]["product"]["total"]["hit"] == 20
    collector.pull()
    assert [event.text for event in collector.storage.events()] == ["does not respond"]


@pytest.mark.parametrize("how", ["closed_port", "silent_port"])
@pytest.mark.parametrize("which", ["redis", "postgres", "both"])
def test_without_a_store_the_page_says_so_in_time(settings, instances, request, which, how):
    address = request.getfixturevalue(how)
    down = {
        "redis": {"redis_url": f"redis://{address}"},
        "postgres": {"database_url": f"postgresql://{address}/x"},
    }
    chosen = down["redis"] | down["postgres"] if which == "both" else down[which]
    collector = Collector(replace(settings, redis_timeout_seconds=0.1, **chosen))
    count(instances[0], hits=10)
    began = time.monotonic()
    collector.pull()
    found = snapshot(collector, "1m")
    assert time.monotonic() - began < 1
    states = {"redis": found["redis"]["state"], "postgres": found["postgres"]["state"]}
    assert states == {store: "down" if which in (store, "both") else "up" for store in states}
    assert found["kinds"]["product"]["1m"]["hit"] == 10
    collector.close()


def test_redis_counts_since_the_first_look(collector, redis_url):
    collector.pull()
    with probes.client(redis_url) as client:
        client.set("present", 1)
        for name in ("present", "present", "present", "absent"):
            client.get(name)
    collector.pull()
    # Its own look reads a name that is not there.
    assert collector.history.totals["redis_keyspace_hits_total"] == 3
    assert collector.history.totals["redis_keyspace_misses_total"] >= 1
    redis = snapshot(collector, "1m")["redis"]
    assert (redis["keys"], redis["role"], redis["max_bytes"]) == (1, "master", 512 << 20)
    assert redis["used_bytes"] > 0


def test_a_flush_of_redis_is_one_event(collector, redis_url):
    store = RedisStore(redis_url, 1.0)
    block_on(store.put(1, []))
    collector.pull()
    with probes.client(redis_url) as client:
        client.flushall()
        collector.pull()
        block_on(store.put(1, []))
        assert client.exists(EPOCH)
    collector.pull()
    collector.pull()
    texts = [event.text.partition(",")[0] for event in collector.storage.events() if event.kind == "redis"]
    assert texts == ["emptied"]
    store.close()


def test_invalidations_and_their_lag_are_seen(collector, database_url):
    collector.pull()
    with probes.query(database_url) as cursor:
        cursor.execute("INSERT INTO products SELECT n, '', '', '', '', 0, 0 FROM generate_series(1, 3) AS n")
        cursor.execute("UPDATE products SET name = 'x' WHERE id = 1")
        cursor.execute("UPDATE catalogue_outbox SET recorded_at = recorded_at - interval '5 s'")
    collector.pull()
    postgres = snapshot(collector, "1m")["postgres"]
    assert postgres["outbox_rows"] == collector.history.totals["overview_invalidations_total"] > 0
    assert 5 <= postgres["oldest_seconds"] < 60


def test_a_new_catalogue_is_an_event(collector, database_url):
    collector.pull()
    with probes.query(database_url) as cursor:
        cursor.execute("SELECT catalogue_raise_epoch('{}')")
    collector.pull()
    assert [event.kind for event in collector.storage.events()] == ["catalogue"]


def test_the_hottest_are_those_of_instances_and_of_nginx_together(collector, instances, tmp_path):
    collector.pull()
    cached = '{"path":"/products/7","answered_by":"cache","status":200,"seconds":0.000}\n'
    (tmp_path / "access.log").write_text(cached * 120)
    instances[0].said["hottest"] = [["product", 7, 60.0], ["styles", 8, 90.0]]
    instances[1].said["hottest"] = [["styles", 8, 30.0]]
    collector.pull()
    found = snapshot(collector, "1m")
    assert found["hottest"] == [
        {"kind": "product", "id": 7, "per_second": 3.0},
        {"kind": "styles", "id": 8, "per_second": 2.0},
    ]
    assert found["nginx"]["by"]["cache"] > 0
    assert found["tiers"][0]["share"] == 1


class TestThread:
    @pytest.fixture
    def running(self, collector):
        collector.start()
        wait_until(lambda: collector.pulls > 0)
        return collector

    def test_who_looks_gets_news_at_once(self, running, instances):
        client = create_app(running).test_client()
        count(instances[0], hits=10)
        began = time.monotonic()
        wait_until(lambda: client.get("/dashboard.json").json["kinds"]["product"]["total"]["hit"] == 10)
        assert time.monotonic() - began < 5  # nobody looked: it would have been ten seconds

    def test_who_is_late_is_asked_again_soon(self, collector, instances):
        instances[1].hang()
        collector.start()
        began = time.monotonic()
        wait_until(lambda: [event.text for event in collector.storage.events()][-1:] == ["does not respond"])
        assert time.monotonic() - began < 5

    def test_many_who_look_share_a_pull(self, running, instances):
        for _ in range(50):
            running.look()
        before, began = len(instances[0].asked), time.monotonic()
        while time.monotonic() - began < 1:
            running.look()
        assert len(instances[0].asked) - before <= 2

    def test_it_goes_on_after_a_pull_that_failed(self, running, instances, monkeypatch):
        failed = []
        with monkeypatch.context() as broken:
            broken.setattr("service.watch.collector.postgres_state", lambda _: failed.append(1) or 1 / 0)
            wait_until(lambda: running.look() or failed)
        count(instances[0], hits=10)
        wait_until(lambda: running.look() or running.history.totals[HITS] == 10)

    def test_minutes_of_the_process_before_are_there(self, running, collector, settings, instances):
        second = int(time.time()) // 60 * 60 - 120
        instances[0].said["started"] = second - 1
        count(instances[0], hits=10, second=second)
        wait_until(lambda: running.look() or running.history.totals[HITS] == 10)
        running.storage.store()
        instances[0].restart(time.time())
        again = Collector(settings)
        again.start()
        wait_until(lambda: snapshot(again, "24h")["kinds"]["product"]["24h"]["hit"] == 10)
        again.close()

    def test_a_deployment_of_everything_at_once_is_an_event(self, running, settings, instances):
        running.storage.store()
        for instance in instances:
            instance.restart(time.time())
            instance.said["version"] = "2"
        again = Collector(settings)
        again.start()
        wait_until(lambda: again.pulls > 0)
        assert [event.text for event in again.storage.events()] == ["version 1", "version 2"]
        again.close()
