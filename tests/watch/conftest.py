import time

import pytest

from service.settings import Settings
from service.watch.app import create_app
from service.watch.collector import Collector
from tests.watch.fake_instance import FakeInstance


@pytest.fixture
def instances():
    """Two that have started just now and have no rows."""
    started = [FakeInstance(started=time.time() - 1) for _ in range(2)]
    yield started
    for instance in started:
        instance.stop()


@pytest.fixture
def settings(database_url, redis_url, instances, tmp_path):
    return Settings(
        database_url,
        redis_url,
        "a secret of the tests",
        instances=",".join(instance.address for instance in instances),
        nginx_access_log=str(tmp_path / "access.log"),
        operations="watch.example:8081",
        redis_timeout_seconds=1.0,
    )


@pytest.fixture
def collector(settings, monkeypatch):
    """One that pulls when a test says so, with longer deadlines of the stores, for busy machines."""
    monkeypatch.setattr("service.watch.collector._POSTGRES_SECONDS", 2.0)
    made = Collector(settings)
    yield made
    made.close()


@pytest.fixture
def client(collector):
    """Of the application over ``collector``, which has pulled once."""
    collector.pull()
    collector.storage.load()
    return create_app(collector).test_client()
