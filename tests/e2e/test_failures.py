"""What is said while a part is down, and what is seen when it is back; ``tests/chaos`` measures it under load."""

import json
import time
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import running


@pytest.fixture(scope="module")
def service(server_root, free_port):
    root = Path(mkdtemp(prefix="e2e-", dir=server_root))
    root.chmod(0o755)
    with running(root, free_port) as service:
        yield service


def _hits(service, number):
    """Whether every instance has a product from Redis: each finds out for itself that Redis is back."""
    answers = [service.get(f"/products/{number}", instance.address) for instance in service.instances]
    return all(headers["x-cache"] == "hit" for _, headers, _ in answers)


def test_without_redis_it_is_ready_and_says_that_it_is_degraded(service):
    service.redis.stop()
    try:
        status, headers, _ = service.get("/products/6")
        assert (status, headers["x-cache"]) == (200, "bypass")
        status, _, body = service.get("/readyz")
        assert (status, json.loads(body)["status"]) == (200, "degraded")
        assert json.loads(body)["parts"] == {"postgres": "ok", "redis": "down"}
    finally:
        service.redis.start()
    wait_until(lambda: _hits(service, 6))


def test_without_postgres_hits_are_answered_and_everything_else_is_refused_in_time(service):
    wait_until(lambda: _hits(service, 7))
    service.postgres.stop()
    try:
        status, headers, body = service.get("/products/7")
        assert (status, headers["x-cache"], json.loads(body)["id"]) == (200, "hit", 7)
        for path in ("/products/7/styles", "/products"):
            began = time.monotonic()
            status, headers, body = service.get(path)
            assert (status, headers["retry-after"], headers["content-type"]) == (503, "1", "application/problem+json")
            assert json.loads(body)["type"] == "/docs#unavailable"
            assert time.monotonic() - began < 3
        assert service.get("/cart/lines")[0] == 200  # a caller without a cart needs no database
        status, _, body = service.get("/readyz")
        assert (status, json.loads(body)["parts"]) == (503, {"postgres": "down", "redis": "ok"})
        assert service.get("/livez")[0] == 200
    finally:
        service.postgres.start()
    wait_until(lambda: service.get("/products/7/styles")[0] == 200)


def test_a_change_made_by_anyone_is_seen_through_every_instance(service):
    def price(address):
        return json.loads(service.get("/products/9", address)[2])["default_price"]

    for instance in service.instances:
        service.get("/products/9", instance.address)
    service.sql("UPDATE products SET default_price = 4711 WHERE id = 9")
    for instance in service.instances:
        wait_until(lambda at=instance.address: price(at) == "4711")
