"""What can happen to Redis. No read fails for it: the cache is never the reason."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local import probes
from tests.chaos import demands
from tests.chaos.faults import A_WHILE, OVER_AT_ONCE, Fault, Form
from tests.chaos.load import HOT
from tests.chaos.prices import Price, raise_prices
from tests.chaos.waits import again_and_again, wait_until
from tests.e2e.service_under_test import Service

_ENOUGH_LOOKUPS = 6  # of both instances, which look now and then until they trust it
_MOST_MEMORY_BYTES = 512 * 2**20
_BALLAST_KEYS, _BALLAST_BYTES = 4000, 1000


@contextmanager
def killed(service: Service) -> Iterator[None]:
    service.redis.kill()
    yield
    service.redis.start()


@contextmanager
def hung(service: Service) -> Iterator[None]:
    service.redis.pause()
    yield
    service.redis.resume()


@contextmanager
def restarted_empty(service: Service) -> Iterator[None]:
    service.redis.restart()
    yield


@contextmanager
def back_with_an_older_data_set(service: Service) -> Iterator[list[Price]]:
    """It was saved before products changed, and crashes after it was told of that."""
    with probes.client(service.redis.url) as client:
        client.save()
        snapshot = service.redis.directory / client.config_get("dbfilename")["dbfilename"]
    prices = raise_prices(service, HOT)
    wait_until(lambda: service.sql("SELECT count(*) FROM catalogue_outbox") == [(0,)])
    told = time.monotonic()
    service.redis.kill()
    service.redis.start()
    snapshot.unlink()
    yield [(product_id, price, told) for product_id, price, _ in prices]


@contextmanager
def evicting(service: Service) -> Iterator[None]:
    """Of much that it holds half has to go, and something for whatever is stored."""
    with probes.client(service.redis.url) as client:
        before = client.info("stats")["evicted_keys"]
        with client.pipeline() as pipeline:
            for number in range(_BALLAST_KEYS):
                pipeline.set(f"ballast:{number}", bytes(_BALLAST_BYTES), ex=60)
            pipeline.execute()
        client.config_set("maxmemory", client.info("memory")["used_memory"] - _BALLAST_KEYS * _BALLAST_BYTES // 2)
        yield
        client.config_set("maxmemory", _MOST_MEMORY_BYTES)
        assert client.info("stats")["evicted_keys"] > before + _BALLAST_KEYS // 4, "little was evicted"


@contextmanager
def full(service: Service) -> Iterator[None]:
    """It has room for nothing: whatever can be evicted is, and every write is refused."""
    with probes.client(service.redis.url) as client:
        before = _errors(client, "OOM")
        client.config_set("maxmemory", 1)
        yield
        client.config_set("maxmemory", _MOST_MEMORY_BYTES)
        assert _errors(client, "OOM") > before, "every write was taken"


@contextmanager
def scripts_flushed(service: Service) -> Iterator[None]:
    with probes.client(service.redis.url) as client, again_and_again(client.script_flush):
        before = _errors(client, "NOSCRIPT")
        yield
        assert _errors(client, "NOSCRIPT") > before, "every script was known"


@contextmanager
def connections_killed(service: Service) -> Iterator[None]:
    killed: list[int] = []
    with probes.client(service.redis.url) as client:

        def kill() -> None:
            killed.append(client.client_kill_filter(_type="normal", skipme=True))

        with again_and_again(kill):
            yield
    assert sum(killed) > 0, "there was no connection to kill"


@contextmanager
def down_while_products_change(service: Service) -> Iterator[list[Price]]:
    """Redis keeps what it has, and is back with all of it before the invalidator comes to tell it what changed."""
    service.redis.pause()
    wait_until(lambda: all(_bypassed(service, instance.address) for instance in service.instances))
    prices = raise_prices(service, HOT)
    yield prices
    prices += raise_prices(service, HOT)
    service.invalidator.pause()
    service.redis.resume()
    with probes.client(service.redis.url) as client:
        before = _lookups(client)
        wait_until(lambda: _lookups(client) >= before + _ENOUGH_LOOKUPS)
    service.invalidator.resume()


def _lookups(client) -> int:
    return client.info("commandstats").get("cmdstat_mget", {"calls": 0})["calls"]


def _errors(client, kind: str) -> int:
    return client.info("errorstats").get(f"errorstat_{kind}", {"count": 0})["count"]


def _bypassed(service: Service, address: str) -> bool:
    return service.get(f"/products/{HOT[0]}", address)[1].get("x-cache") == "bypass"


WANTED = "no 5xx; slower, bounded; back by itself"
BYPASS = {"outcome": "bypass"}
DEMANDS = (
    demands.every_read_is_answered,
    demands.all_within(1.0),
    demands.half_within(0.05),
    demands.back_within(2.0),
)

DIRECT = (
    Fault("Redis killed", WANTED, killed, DEMANDS, BYPASS),
    Fault("Redis hung (SIGSTOP)", WANTED, hung, DEMANDS, BYPASS),
    Fault("Redis restarted empty", WANTED, restarted_empty, DEMANDS, seconds=OVER_AT_ONCE),
    Fault(
        "Redis back with an older data set",
        "no old version served after it returns",
        back_with_an_older_data_set,
        (*DEMANDS[:3], demands.back_within(3.0), demands.nothing_old_is_read),  # all that it has is to be read anew
        seconds=OVER_AT_ONCE,
    ),
    Fault("Redis evicts half of what it has", WANTED, evicting, DEMANDS),
    Fault("Redis has no room at all", WANTED, full, DEMANDS, BYPASS),
    Fault("Redis forgets its scripts, 20 times a second", WANTED, scripts_flushed, DEMANDS),
    Fault("Redis connections killed, 20 times a second", WANTED, connections_killed, DEMANDS, BYPASS),
    Fault(
        "Redis down while products change",
        "no old version served after it returns",
        down_while_products_change,
        (*DEMANDS[:3], demands.back_within(5.0), demands.nothing_old_is_read),
        BYPASS,
        seconds={**A_WHILE, Form.LONG: 60.0},
    ),
)
