"""What can happen to Postgres. Whoever asks for what is in the cache sees nothing of it."""

import http.client
import itertools
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from deploy.local import probes
from service.cache.entry import Entry
from service.cache.keys import entry_name
from service.catalogue import Kind
from tests.chaos import demands
from tests.chaos.faults import A_WHILE, Fault, Form
from tests.chaos.load import HOT
from tests.chaos.waits import again_and_again, wait_until
from tests.e2e.service_under_test import POSTGRES_CONNECTIONS, POSTGRES_TIMEOUT_SECONDS, Service

_SOFT_EXPIRED = HOT[::2]
_OCCUPIERS = 3 * POSTGRES_CONNECTIONS  # of each instance, so that some always wait
_LONG_AGO = 1.0
"""When an entry was fresh, in seconds since 1970."""


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    service.postgres.stop()
    soft_expire(service)
    yield
    service.postgres.start()


@contextmanager
def shut_down_at_once(service: Service) -> Iterator[None]:
    """It says goodbye to nobody, and has to recover when it starts."""
    os.kill(service.postgres.pid, signal.SIGQUIT)
    wait_until(lambda: not service.postgres.alive())
    soft_expire(service)
    yield
    service.postgres.start()


@contextmanager
def hung(service: Service) -> Iterator[None]:
    service.postgres.pause()
    soft_expire(service)
    yield
    service.postgres.resume()


@contextmanager
def backends_terminated(service: Service) -> Iterator[None]:
    ended: list[int] = []

    def terminate() -> None:
        ((count,),) = service.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'overview'"
        )
        ended.append(count)

    with again_and_again(terminate):
        yield
    assert sum(ended) > 0, "there was no backend to end"


@contextmanager
def table_locked(service: Service) -> Iterator[None]:
    soft_expire(service)
    with _locked(service, "products"):
        yield


@contextmanager
def pool_exhausted(service: Service) -> Iterator[None]:
    """Requests that wait for a locked table have every connection of both instances, and more wait behind them."""
    soft_expire(service)
    with _locked(service, "styles"), _occupied(service):
        wait_until(lambda: _waiting(service) >= POSTGRES_CONNECTIONS * len(service.instances))
        yield


def soft_expire(service: Service) -> None:
    """Half of the hot products should be refreshed, and cannot be."""
    with probes.client(service.redis.url) as client:
        for name in (entry_name(Kind.PRODUCT, product_id) for product_id in _SOFT_EXPIRED):
            client.set(name, Entry.decode(client.get(name))._replace(fresh_until=_LONG_AGO).encode(), keepttl=True)


@contextmanager
def _locked(service: Service, table: str) -> Iterator[None]:
    with probes.query(service.postgres.url) as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


@contextmanager
def _occupied(service: Service) -> Iterator[None]:
    over, ids = threading.Event(), itertools.count(1)

    def occupy(address: str) -> None:
        while not over.is_set():
            with suppress(OSError, http.client.HTTPException):
                number = next(ids)  # every other one with a "?", which has it answered by the thread pool
                service.get(f"/products/{number}/styles{'?' * (number % 2)}", address)

    addresses = [instance.address for instance in service.instances for _ in range(_OCCUPIERS)]
    threads = [threading.Thread(target=occupy, args=(address,)) for address in addresses]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _waiting(service: Service) -> int:
    ((count,),) = service.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'overview' AND wait_event_type = 'Lock'"
    )
    return count


WANTED = "hits and stale answered; misses 503 with Retry-After inside the deadline; back by itself"
# A miss may wait for its turn as long as for its answer, and then is the machine's.
_MARGIN_SECONDS = 0.5
DEMANDS = (
    demands.hits_are_answered,
    demands.hits_within(0.5),
    demands.all_within(POSTGRES_TIMEOUT_SECONDS + _MARGIN_SECONDS),
    demands.felt_as(outcome="stale"),
    demands.back_within(3.0),
)
REFUSED = {"status": 503}
BEYOND_THE_DEADLINE = {**A_WHILE, Form.SHORT: 2 * POSTGRES_TIMEOUT_SECONDS}

DIRECT = (
    Fault("Postgres stopped", WANTED, stopped, DEMANDS, REFUSED),
    Fault("Postgres shut down at once, recovers", WANTED, shut_down_at_once, DEMANDS, REFUSED),
    Fault("Postgres hung (SIGSTOP)", WANTED, hung, DEMANDS, REFUSED, BEYOND_THE_DEADLINE),
    Fault(
        "Postgres backends terminated, 20 times a second",
        WANTED,
        backends_terminated,
        (demands.hits_are_answered, demands.all_within(1.0), demands.refused_at_most(0.15), demands.back_within(1.0)),
    ),
    Fault("Postgres table locked", WANTED, table_locked, DEMANDS, REFUSED, BEYOND_THE_DEADLINE),
    # Who came first gives up first, so that a miss mostly has a connection just before it has to give up itself.
    Fault(
        "Postgres pool exhausted",
        WANTED,
        pool_exhausted,
        (*DEMANDS, demands.felt_as_slow(POSTGRES_TIMEOUT_SECONDS / 2)),
        seconds=BEYOND_THE_DEADLINE,
    ),
)
