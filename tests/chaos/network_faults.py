"""What can happen on the way to a store, by a proxy before it. What is wanted is what is wanted of the store itself."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from tests.chaos import postgres_faults, redis_faults
from tests.chaos.faults import A_WHILE, Fault
from tests.chaos.proxy import FaultProxy
from tests.e2e.service_under_test import Service

_BESIDE_DEADLINE_SECONDS = 0.25  # Redis answers later than its deadline of 0.1 s
_DRIP_SECONDS = 0.08  # each byte comes within the deadline, a whole reply does not
_EVERY_READER_SECONDS = 0.2  # until each reader of cold products has asked


Order = Callable[[FaultProxy], None]


def _redis(order: Order) -> Callable[[Service], AbstractContextManager[None]]:
    @contextmanager
    def strike(service: Service) -> Iterator[None]:
        with _suffering(service, service.redis_proxy, order):
            yield

    return strike


def _postgres(order: Order) -> Callable[[Service], AbstractContextManager[None]]:
    """Half of the hot products should be refreshed meanwhile."""

    @contextmanager
    def strike(service: Service) -> Iterator[None]:
        with _suffering(service, service.postgres_proxy, order):
            time.sleep(_EVERY_READER_SECONDS)  # else it is only refreshes that have the connections
            postgres_faults.soft_expire(service)
            yield

    return strike


@contextmanager
def _suffering(service: Service, proxy: FaultProxy, order: Order) -> Iterator[None]:
    workers = [instance.children() for instance in service.instances]
    order(proxy)
    yield
    proxy.heal()
    assert [instance.children() for instance in service.instances] == workers, "a worker was replaced"


def _drip(proxy: FaultProxy) -> None:
    proxy.drip(_DRIP_SECONDS)


def _of_redis(name: str, order: Order) -> Fault:
    return Fault(name, redis_faults.WANTED, _redis(order), redis_faults.DEMANDS, redis_faults.BYPASS)


def _of_postgres(name: str, order: Order, seconds=postgres_faults.BEYOND_THE_DEADLINE) -> Fault:
    wanted, demands, refused = postgres_faults.WANTED, postgres_faults.DEMANDS, postgres_faults.REFUSED
    return Fault(name, wanted, _postgres(order), demands, refused, seconds)


PROXIED = (
    _of_redis("Redis answers after its deadline", lambda proxy: proxy.delay(_BESIDE_DEADLINE_SECONDS)),
    _of_redis("Redis replies dripping, a byte each 80 ms", _drip),
    _of_redis("Redis replies half-sent", FaultProxy.halve),
    _of_redis("Redis in a black hole", FaultProxy.black_hole),
    _of_redis("Redis cut off", FaultProxy.cut),
    _of_postgres("Postgres replies dripping, a byte each 80 ms", _drip),
    _of_postgres("Postgres replies half-sent", FaultProxy.halve),
    _of_postgres("Postgres in a black hole", FaultProxy.black_hole),
    _of_postgres("Postgres cut off", FaultProxy.cut, A_WHILE),
)
