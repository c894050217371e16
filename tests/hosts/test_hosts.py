"""Instances on two hosts behind one nginx: one leaves, one joins, under load."""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import mkdtemp

import pytest

from deploy.cluster import network
from deploy.local import probes
from deploy.local.hosts import Host
from deploy.local.instances import Instance
from deploy.local.servers import Nginx
from tests.chaos.load import HOT, Load, over_http
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.hosts.shoppers import SKUS, Shopper

_PRODUCTS = 3000
_STEADY_ANSWERS = 100


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    with network.hosts(["one", "two"]) as named:
        yield list(named.values())


@pytest.fixture
def settings(hosts, database_url: str, redis_url: str, redis_server, free_port) -> Iterator[Mapping[str, str]]:
    """Those of instances on the hosts, with a catalogue; stores are on this machine, at an address that hosts reach."""
    with probes.query(database_url) as cursor:
        cursor.execute(
            "INSERT INTO products SELECT n, 'Product', '', '', '', n FROM generate_series(1, %s) n;"
            "INSERT INTO styles SELECT n, n, 'Style', 1, NULL, true FROM generate_series(1, 100) n;"
            "INSERT INTO skus SELECT n, n, 'M', 5 FROM generate_series(1, %s) n",
            (_PRODUCTS, max(SKUS)),
        )
    with ExitStack() as stopping:

        def reachable(name: str, url: str) -> str:
            address = url.rpartition("@")[2].partition("/")[0]
            proxy = FaultProxy(free_port(f"{name} for hosts"), address, hosts[0].outside)
            proxy.start()
            stopping.callback(proxy.stop)
            return url.replace(address, proxy.address)

        yield {
            "DATABASE_URL": reachable("postgres", database_url),
            "REDIS_URL": reachable("redis", redis_url),
            "REDIS_TIMEOUT_SECONDS": "1",
            "CART_SECRET": "only for these tests",
            "FORWARDED_ALLOW_IPS": hosts[0].outside,
            "COVERAGE_PROCESS_CONFIG": "",
        }


@pytest.fixture
def instances(hosts, settings, server_root: Path, free_port) -> Iterator[list[Instance]]:
    """One on either host, and another on the first that is not started."""
    root = Path(mkdtemp(prefix="hosts-", dir=server_root))
    made = [
        Instance(free_port(f"instance {number} of hosts"), root / f"web.{number}.log", settings, host=host)
        for number, host in enumerate([*hosts, hosts[0]])
    ]
    for each in made[:2]:
        each.launch()
    for each in made[:2]:
        each.wait_until_ready()
    yield made
    for each in made:
        each.ask_to_stop()
    for each in made:
        each.stop()


def balance_over(nginx: Nginx, *instances: Instance) -> None:
    """As an operator does: other INSTANCES, SIGHUP; returns when no worker has the old ones."""
    before = nginx.children()
    nginx.values = {**nginx.values, "INSTANCES": [each.upstream for each in instances]}
    nginx.reload()
    wait_until(lambda: not before & nginx.children())


def assert_secure_cookies(nginx: Nginx) -> None:
    """Of several requests, so that either host has some."""
    headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    for _ in range(4):
        with closing(http.client.HTTPConnection(nginx.address, timeout=10)) as connection:
            connection.request("POST", "/cart", b'{"sku_id":1}', headers)
            assert "Secure" in connection.getresponse().headers["Set-Cookie"]


def test_instances_leave_and_join_without_a_failed_read_or_a_lost_addition(instances, nginx_server, access_log) -> None:
    first, second, third = instances
    nginx = nginx_server(first.upstream, second.upstream, trusted_proxies="127.0.0.1")
    assert_secure_cookies(nginx)
    cold_ids = iter(range(max(HOT) + 1, _PRODUCTS))
    with Load(over_http(nginx.address), cold_ids).running() as load, Shopper(nginx.address).shopping() as shopper:

        def more_answers() -> None:
            count = len(load.answers()) + _STEADY_ANSWERS
            assert load.wait_until(lambda answers: len(answers) >= count, 10)

        more_answers()
        first.stop()  # while nginx has its address, as when a host is taken away
        third.start()
        balance_over(nginx, second, third)
        more_answers()
        balance_over(nginx, third)
        second.stop()  # after nginx has forgotten it
        more_answers()
    assert {answer.said.status for answer in load.answers()} == {200}
    assert shopper.refused == []
    assert shopper.in_cart() == shopper.added > 10
    answered = {line["upstream"].rpartition(", ")[2] for line in access_log(nginx) if line["answered_by"] == "instance"}
    assert answered == {each.upstream for each in instances}
