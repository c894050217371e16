"""Every part can fail alone, and comes back by itself."""

import json
import time
from pathlib import Path
from tempfile import mkdtemp

import psycopg2
import pytest

from tests.e2e.service_under_test import Readers, Service, running


@pytest.fixture(scope="module")
def service(server_root, free_port):
    root = Path(mkdtemp(prefix="e2e-", dir=server_root))
    root.chmod(0o755)
    with running(root, free_port) as service:
        yield service


@pytest.fixture
def readers(service: Service):
    return Readers(service)


def until(condition):
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize(("fail", "mend"), [("kill", "start"), ("stop", "start"), ("pause", "resume")])
def test_without_redis_every_read_is_answered_and_it_comes_back_by_itself(service, readers, fail, mend):
    with readers.reading():
        readers.until("hit")
        getattr(service.redis, fail)()
        readers.until("bypass", more=200)
        assert service.ready() == {"status": "degraded", "parts": {"postgres": "ok", "redis": "down"}}
        getattr(service.redis, mend)()
        readers.until("hit", more=200)
    assert set(readers.statuses) == {200}, readers
    assert service.ready()["status"] == "ok"


def test_without_postgres_hits_are_answered_and_misses_are_503_in_time(service):
    assert service.get("/products/7")[0] == 200
    service.postgres.stop()
    try:
        for _ in range(20):
            status, headers, body = service.get("/products/7")
            assert (status, headers["x-cache"]) == (200, "hit")
            assert json.loads(body)["id"] == 7
        for path in ("/products/7/styles", "/products", "/cart/lines"):
            began = time.monotonic()
            status, headers, body = service.get(path)
            if path == "/cart/lines":  # a caller without a cart needs no database
                assert status == 200
                continue
            assert (status, headers["retry-after"], headers["content-type"]) == (503, "1", "application/problem+json")
            assert json.loads(body)["type"] == "/docs#unavailable"
            assert time.monotonic() - began < 3
        status, _, body = service.get("/readyz")
        assert (status, json.loads(body)["parts"]) == (503, {"postgres": "down", "redis": "ok"})
        assert service.get("/livez")[0] == 200
    finally:
        service.postgres.start()
    until(lambda: service.get("/products/7/styles")[0] == 200)


def test_a_hung_postgres_costs_a_miss_its_deadline_and_a_hit_nothing(service):
    assert service.get("/products/8")[0] == 200
    service.postgres.pause()
    try:
        began = time.monotonic()
        assert service.get("/products/8/related")[0] == 503
        assert time.monotonic() - began < 3
        began = time.monotonic()
        assert service.get("/products/8")[1]["x-cache"] == "hit"
        assert time.monotonic() - began < 0.5
    finally:
        service.postgres.resume()
    until(lambda: service.get("/products/8/related")[0] == 200)


def test_a_change_made_by_anyone_is_seen_through_every_instance(service):
    for instance in service.instances:
        service.get("/products/9", instance.address)
    connection = psycopg2.connect(service.postgres.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE products SET default_price = 4711 WHERE id = 9")
    connection.close()
    for instance in service.instances:
        until(lambda at=instance.address: json.loads(service.get("/products/9", at)[2])["default_price"] == "4711")


def test_an_instance_killed_under_requests_costs_no_get(service, readers):
    with readers.reading():
        readers.until("hit")
        service.instances[0].kill()
        readers.until("hit", more=300)
        service.instances[0].start()
        readers.until("hit", more=100)
    assert set(readers.statuses) == {200}, readers


def test_a_change_during_an_outage_of_redis_is_seen_when_it_is_back(service):
    service.get("/products/10")
    service.redis.pause()
    connection = psycopg2.connect(service.postgres.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE products SET default_price = 4712 WHERE id = 10")
    assert json.loads(service.get("/products/10")[2])["default_price"] == "4712"
    service.redis.resume()
    until(lambda: json.loads(service.get("/products/10")[2])["default_price"] == "4712")
    connection.close()
