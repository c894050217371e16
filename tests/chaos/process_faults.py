"""What can happen to the service's own processes."""

import os
import random
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from deploy.local import probes
from service.cache.entry import Entry
from service.cache.keys import entry_name
from service.catalogue import Kind
from tests.chaos import demands
from tests.chaos.faults import OVER_AT_ONCE, Fault
from tests.chaos.load import HOT
from tests.chaos.prices import Price, raise_prices, raise_prices_one_by_one
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import Service

_KILLS = 4
_CHANGED_FOR_EACH = 2000  # enough that telling Redis of them takes longer than to kill who does it
_CHANGED = range(1, _KILLS * _CHANGED_FOR_EACH + 1)
_LOOK_SECONDS, _NOTIFIED_SECONDS = 1.5, 0.25  # until a change counts: found by the look each second, or told
_A_FEW_BATCHES_SECONDS = 0.01


@contextmanager
def worker_killed(service: Service) -> Iterator[None]:
    instance = random.choice(service.instances)
    (worker,) = instance.children()
    os.kill(worker, signal.SIGKILL)
    yield
    wait_until(lambda: bool(instance.children() - {worker}))


@contextmanager
def instance_stopped(service: Service) -> Iterator[None]:
    instance = random.choice(service.instances)
    instance.stop()
    yield
    instance.start()


@contextmanager
def instances_restarted(service: Service) -> Iterator[None]:
    for instance in service.instances:
        instance.restart()
    yield


@contextmanager
def nginx_reloaded(service: Service) -> Iterator[None]:
    workers = service.nginx.children()
    service.nginx.reload()
    wait_until(lambda: not workers & service.nginx.children())
    yield


@contextmanager
def both_stores_down_at_start(service: Service) -> Iterator[None]:
    ours = [service.invalidator, *service.instances]
    for each in [*ours, service.redis, service.postgres]:
        each.stop()
    for each in ours:
        each.start()
    started = [each.pid for each in ours]
    wait_until(lambda: set(service.states()) == {"unavailable"})
    yield
    service.redis.start()
    service.postgres.start()
    raise_prices(service, HOT)
    wait_until(lambda: not _untold(service))
    assert [each.pid for each in ours if each.alive()] == started, "one of them ended"


@contextmanager
def invalidator_killed(service: Service) -> Iterator[list[Price]]:
    """Several times, somewhere in the middle of what it has to tell Redis of."""
    service.invalidator.kill()
    prices = raise_prices(service, HOT)
    left = [
        _killed_in_the_middle(service, _CHANGED[first : first + _CHANGED_FOR_EACH])
        for first in range(0, len(_CHANGED), _CHANGED_FOR_EACH)
    ]
    assert any(left), "it was through before it was killed"
    yield prices
    service.invalidator.start()
    wait_until(lambda: not _untold(service))
    told = time.monotonic()
    assert not (lost := _never_told(service)), f"Redis was never told of {len(lost)} changes"
    prices[:] = [(product_id, price, told) for product_id, price, _ in prices]


@contextmanager
def listener_silent(service: Service) -> Iterator[list[Price]]:
    """Its backend stands still: a black hole for this one connection. The look each second finds what changed."""
    noticed = _silent_listeners(service)
    wait_until(lambda: len(_listening(service)) == 1)
    (backend,) = _listening(service)
    os.kill(backend, signal.SIGSTOP)
    try:
        prices = _seen_within(_LOOK_SECONDS, raise_prices(service, HOT))
        wait_until(lambda: _silent_listeners(service) > noticed)
    finally:
        os.kill(backend, signal.SIGCONT)
    wait_until(lambda: bool(_listening(service) - {backend}))
    yield prices + _seen_within(_NOTIFIED_SECONDS, raise_prices(service, HOT))


def _listening(service: Service) -> set[int]:
    backends = service.sql("SELECT pid FROM pg_stat_activity WHERE application_name = 'overview catalogue'")
    return {backend for (backend,) in backends}


def _silent_listeners(service: Service) -> float:
    page = service.get("/metrics", service.instances[0].address)[2].decode()
    return float(re.findall(r"^overview_silent_listeners (\S+)", page, re.MULTILINE)[0])


def _seen_within(seconds: float, prices: list[Price]) -> list[Price]:
    return [(product_id, price, committed + seconds) for product_id, price, committed in prices]


def _killed_in_the_middle(service: Service, product_ids: Sequence[int]) -> int:
    """How many changes it left."""
    raise_prices_one_by_one(service, product_ids)
    waiting = _untold(service)
    service.invalidator.start()
    wait_until(lambda: _untold(service) < waiting)  # it has begun
    time.sleep(random.uniform(0, _A_FEW_BATCHES_SECONDS))  # any instant will do
    service.invalidator.kill()
    return _untold(service)


def _untold(service: Service) -> int:
    ((count,),) = service.sql("SELECT count(*) FROM catalogue_outbox")
    return count


def _never_told(service: Service) -> list[int]:
    """Changed products of which Redis has an older version, or has heard nothing at all."""
    versions = service.sql("SELECT id, version FROM products WHERE id = ANY (%s) ORDER BY id", list(_CHANGED))
    with probes.client(service.redis.url) as client:
        stored = client.mget([entry_name(Kind.PRODUCT, product_id) for product_id, _ in versions])
    return [
        product_id
        for (product_id, version), entry in zip(versions, stored, strict=True)
        if entry is None or Entry.decode(entry).version < version
    ]


_WANTED = "GETs through nginx: 0 failed"
_DEMANDS = (demands.every_read_is_answered, demands.all_within(1.0), demands.back_within(3.0))

DIRECT = (
    Fault("Worker killed (-9)", _WANTED, worker_killed, _DEMANDS, seconds=OVER_AT_ONCE),
    Fault("Instance stopped", _WANTED, instance_stopped, _DEMANDS),
    Fault(
        "All instances restarted one by one",
        _WANTED,
        instances_restarted,
        (*_DEMANDS[:2], demands.back_within(10.0)),  # each is given two seconds for what it has
        seconds=OVER_AT_ONCE,
    ),
    Fault("nginx reloaded", _WANTED, nginx_reloaded, _DEMANDS, seconds=OVER_AT_ONCE),
    Fault(
        "Both stores down at start",
        "starts, not ready, recovers without a restart",
        both_stores_down_at_start,
        (demands.every_read_is_answered_or_refused, demands.back_within(3.0)),
        {"status": 503},
    ),
    Fault(
        "Invalidator killed at any instant",
        "no change is lost",
        invalidator_killed,
        (*_DEMANDS, demands.nothing_old_is_read),
    ),
    Fault(
        "Invalidator's LISTEN connection silent",
        "changes are late by a second at most; it listens again",
        listener_silent,
        (*_DEMANDS, demands.nothing_old_is_read),
        seconds=OVER_AT_ONCE,
    ),
)
