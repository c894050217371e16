"""``Server-Timing`` from an instance: the slow path sends it, with the wait for a thread; the fast path does not."""

import re

import pytest

from tests.worker.exchange import exchange


@pytest.fixture(scope="module")
def instance(launch):
    return launch()


@pytest.mark.parametrize("path", ["/products?count=1", "/products/1?", "/cart", "/nothing"])
def test_the_slow_path_sends_it_with_the_wait_for_a_thread(instance, path):
    head = exchange(instance.address, [f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()]).partition(b"\r\n\r\n")[0]
    ((header),) = re.findall(rb"\r\nServer-Timing: ([^\r]*)", head)
    parts = dict(part.split(b";dur=") for part in header.split(b", "))
    assert {b"queue", b"total"} <= parts.keys()
    assert float(parts[b"total"]) >= sum(float(spent) for part, spent in parts.items() if part != b"total")


@pytest.mark.parametrize("first_line", ["GET /products/1", "HEAD /products/2/styles", "GET /products/9999"])
def test_the_fast_path_does_not(instance, first_line):
    request = f"{first_line} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    assert b"server-timing" not in exchange(instance.address, [request]).lower()
