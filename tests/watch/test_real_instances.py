"""The collector over real instances: what it adds up stays right when workers and instances end."""

import http.client
import os
import signal
from contextlib import closing
from dataclasses import replace

import pytest

from deploy.local.instances import Instance
from service.metrics.series import OUTCOMES
from service.watch.collector import Collector
from service.watch.snapshot import snapshot
from tests.chaos.waits import wait_until


@pytest.fixture
def instance(server_root, free_port, database_url, redis_url):
    settings = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CART_SECRET": "a secret of the tests"}
    started = Instance(free_port("watched"), server_root / "watched.log", settings)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def watching(settings, instance):
    collector = Collector(replace(settings, instances=instance.address))
    yield collector
    collector.close()


def ask(instance, times):
    with closing(http.client.HTTPConnection(instance.address, timeout=10)) as connection:
        for _ in range(times):
            connection.request("GET", "/products/1")
            connection.getresponse().read()


def documents(collector):
    """Products served ever, by a pull of now."""
    collector.pull()
    return served(collector, "total")


def served(collector, window):
    product = snapshot(collector, "1m")["kinds"]["product"][window]
    return sum(product[outcome] for outcome in OUTCOMES)


def texts(collector):
    return [event.text for event in collector.storage.events() if event.kind == "instance"]


def test_counts_survive_a_killed_worker_and_a_restart(watching, instance):
    ask(instance, 10)
    # Windows end with the last complete second, a moment after what has been counted ever.
    wait_until(lambda: documents(watching) == served(watching, "1m") == served(watching, "24h") == 10)
    found = snapshot(watching, "1m")
    assert found["instances"][0]["version"]
    assert any(outcome["p99"] for outcome in found["outcomes"].values())

    (worker,) = instance.children()
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: documents(watching) == 10 and "its worker was replaced" in texts(watching))
    ask(instance, 5)
    wait_until(lambda: documents(watching) == 15)

    instance.restart()
    wait_until(lambda: documents(watching) == 15 and "restarted" in texts(watching))
    ask(instance, 5)
    wait_until(lambda: documents(watching) == 20)


def test_a_second_collector_finds_the_seconds_before_it_began(watching, instance, settings):
    ask(instance, 10)
    wait_until(lambda: documents(watching) == 10)
    second = Collector(watching.settings)
    assert documents(second) == 10
    assert served(second, "5m") == 10
    second.close()
