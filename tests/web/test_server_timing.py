"""``Server-Timing``: where the time of a request went on the slow path."""

import re

import pytest

from tests.chaos.proxy import FaultProxy

_HEADER = re.compile(r"[a-z_]+;dur=\d+\.\d{3}(, [a-z_]+;dur=\d+\.\d{3})*")
DELAY_SECONDS = 0.05


def told(response):
    """Milliseconds by part."""
    (header,) = response.headers.getlist("Server-Timing")
    assert _HEADER.fullmatch(header)
    return {part: float(spent) for part, spent in (one.split(";dur=") for one in header.split(", "))}


@pytest.fixture
def delayed(free_port):
    """Starts a proxy before a server of a URL, and gives the URL through it."""
    started = []

    def delayed(url):
        address = url.rpartition("@")[2].partition("/")[0]
        proxy = FaultProxy(free_port(f"before {url}"), address)
        proxy.start()
        started.append(proxy)
        proxy.delay(DELAY_SECONDS)
        return url.replace(address, proxy.address)

    yield delayed
    for proxy in started:
        proxy.stop()


def test_it_says_how_long_was_waited_for_which_store(serve, shared_database_url, redis_url, delayed):
    client = serve(shared_database_url, delayed(redis_url)).test_client()
    miss, hit = (told(client.get("/products/1")) for _ in range(2))
    assert set(miss) == {"redis", "postgres", "total"}
    assert set(hit) == {"redis", "total"}
    for parts in (miss, hit):
        assert parts["total"] >= parts["redis"] >= 2 * DELAY_SECONDS * 1000
    cart = told(
        client.get("/cart", headers={"X-Cart-Token": client.post("/cart", json={"sku_id": 9}).headers["X-Cart-Token"]})
    )
    assert set(cart) == {"postgres", "total"}


def test_it_counts_every_wait_for_postgres(serve, shared_database_url, closed_port, delayed):
    client = serve(delayed(shared_database_url), f"redis://{closed_port}").test_client()
    one, two = (told(client.get(path)) for path in ("/products/1", "/products?count=2"))
    assert one["total"] >= one["postgres"] >= 2 * DELAY_SECONDS * 1000
    assert two["total"] >= two["postgres"] >= 4 * DELAY_SECONDS * 1000  # the ids, then the products


@pytest.mark.parametrize(("path", "status"), [("/livez", 200), ("/nothing", 404), ("/products/0", 400), ("/docs", 200)])
def test_every_answer_has_it_and_none_that_of_another(client, path, status):
    for _ in range(2):
        response = client.get(path)
        assert response.status_code == status
        assert set(told(response)) == {"total"}
