"""A balancer in front of two nginx in front of the same instances."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy.local.instances import Instance
from deploy.local.servers import Nginx
from tests.chaos.waits import wait_until
from tests.integration.floods import add, flood, read
from tests.integration.requests import ask
from tests.integration.upstream import Upstream, serving

CLIENT, OTHER = "203.0.113.1", "203.0.113.2"
SETTINGS = {"trusted_proxies": "127.0.0.1", "rate": 0, "cart_rate": 0}


class Balancer(Nginx):
    template = Path(__file__).with_name("balancer.conf.template")


Chain = Callable[..., tuple[Balancer, list[Nginx]]]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream()) as running:
        yield running


@pytest.fixture
def chain(nginx_server: Callable[..., Nginx], server_root: Path, free_port) -> Iterator[Chain]:
    """Starts a balancer and two nginx behind it, with settings by name."""
    started = []

    def start(instance: str, **settings: object) -> tuple[Balancer, list[Nginx]]:
        fronts = [nginx_server(instance, **SETTINGS | settings) for _ in range(2)]
        root = Path(mkdtemp(prefix="balancer-", dir=server_root))
        root.chmod(0o755)
        listen = f"127.0.0.1:{free_port(root.name)}"
        started.append(Balancer(root, root / "log", {"LISTEN": listen, "FRONTS": [each.address for each in fronts]}))
        started[-1].start()
        return started[-1], fronts

    yield start
    for each in started:
        each.stop()


def test_instances_learn_of_the_client_what_the_balancer_said(chain: Chain, upstream: Upstream) -> None:
    balancer, _ = chain(upstream.address)
    for _ in range(4):  # two for either nginx
        ask(balancer, "/cart", X_Forwarded_For=f"10.9.8.7, {CLIENT}", X_Forwarded_Proto="gopher", Host="shop.example")
    asked = [headers for method, path, headers in upstream.requests if path == "/cart"]
    said = [tuple(each[name] for name in ("X-Forwarded-For", "X-Forwarded-Proto", "Host")) for each in asked]
    assert said == 4 * [(CLIENT, "https", "shop.example")]


def test_nobody_passes_for_another_through_the_balancer(chain: Chain, upstream: Upstream) -> None:
    balancer, _ = chain(upstream.address)
    stranger = http.client.HTTPConnection(balancer.address, timeout=10, source_address=("127.0.0.5", 0))
    with closing(stranger):
        stranger.request("GET", "/cart", headers={"X-Forwarded-For": CLIENT})
        assert stranger.getresponse().status == 200
    assert upstream.requests[-1][2]["X-Forwarded-For"] == "127.0.0.5"


@pytest.mark.parametrize(
    ("setting", "once"), [("rate", read), ("cart_rate", partial(add, X_Cart_Token="a" * 22 + "." + "b" * 43))]
)
def test_each_nginx_has_rates_of_its_own_so_that_two_take_twice_as_many(
    chain: Chain, upstream: Upstream, setting: str, once: Callable
) -> None:
    rate, burst = 3, 6
    balancer, _ = chain(upstream.address, **{setting: rate})
    flooded = flood(partial(once, balancer, CLIENT))
    one = 1 + burst  # as the balancer takes them in turn, the other one may have one left
    assert 2 * one - 1 <= flooded.taken <= 2 * (one + 1 + rate * flooded.seconds)
    assert flooded.refused.headers["Retry-After"] == "1"
    assert read(balancer, OTHER).status == 200


def test_a_request_has_one_id_in_all_logs(
    chain: Chain, database_url: str, redis_url: str, server_root: Path, free_port, access_log
) -> None:
    root = Path(mkdtemp(prefix="chain-", dir=server_root))
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CART_SECRET": "only for these tests",
        "SLOW_SECONDS": "0.001",  # so that it logs requests at all
        "LOG_LEVEL": "WARNING",
    }
    instance = Instance(free_port(root.name), root / "web.log", settings)
    instance.start()
    try:
        balancer, fronts = chain(instance.address)
        (own_id,) = ask(balancer, "/products?count=50").headers.get_all("X-Request-Id")
        wait_until(lambda: own_id in instance.log_tail())
    finally:
        instance.kill()
    lines = [line for each in (balancer, *fronts) for line in access_log(each)]
    assert [line["request_id"] for line in lines if line["path"] == "/products"] == [own_id, own_id]
