"""What can happen to the one loop of a worker: it stands still, or may open nothing more."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path

from tests.chaos import demands, postgres_faults
from tests.chaos.faults import Fault
from tests.chaos.load import Reader, over_http
from tests.chaos.waits import again_and_again, wait_until
from tests.e2e.service_under_test import Service

_STILL_SECONDS = 0.15  # longer than Redis' deadline of 0.1 s
_FAR_SECONDS = 0.01  # each way to Redis, so that a look-up is under way most of the time
_DESCRIPTORS_LEFT, _CLIENTS, _LEAVE = 20, 60, 45
_SOON_SECONDS = 5.0
_GET = b"GET /products/1 HTTP/1.1\r\nHost: test\r\n\r\n"


@contextmanager
def standing_still(service: Service) -> Iterator[None]:
    """Without Postgres nobody else has the hits, and what Redis answers has arrived when the loop goes on."""

    def stand_still() -> None:
        for instance in service.instances:
            instance.pause()
            time.sleep(_STILL_SECONDS)
            instance.resume()

    service.redis_proxy.delay(_FAR_SECONDS)
    service.postgres_proxy.cut()
    with again_and_again(stand_still):
        yield
    service.postgres_proxy.heal()
    service.redis_proxy.heal()


@contextmanager
def no_descriptors(service: Service) -> Iterator[None]:
    """Idle clients take what it may open, and more of them wait. Those that stay are answered once others have left."""
    instance = service.instances[0]
    (worker,) = workers = instance.children()
    limits = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    limit = max(_open(worker)) + 1 + _DESCRIPTORS_LEFT
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (limit, limits[1]))
    with _idle_clients(instance.address) as clients:
        wait_until(lambda: len(_open(worker)) == limit)
        yield
        for client in clients[:_LEAVE]:
            client.close()
        for client in clients[_LEAVE:]:
            assert _is_answered(client), "a client was lost"
    resource.prlimit(worker, resource.RLIMIT_NOFILE, limits)
    assert instance.children() == workers, "the worker was replaced"


@contextmanager
def _idle_clients(address: str) -> Iterator[list[socket.socket]]:
    host, _, port = address.rpartition(":")
    with ExitStack() as stack:
        connect = (socket.create_connection((host, int(port)), _SOON_SECONDS) for _ in range(_CLIENTS))
        yield [stack.enter_context(client) for client in connect]


def _is_answered(client: socket.socket) -> bool:
    with suppress(OSError):
        client.sendall(_GET)
        return client.recv(4096).startswith(b"HTTP/1.1 200 ")
    return False


def _open(worker: int) -> list[int]:
    try:
        return [int(each.name) for each in Path(f"/proc/{worker}/fd").iterdir()]
    except OSError:
        raise AssertionError("the worker has ended") from None


def _at_its_door(service: Service) -> AbstractContextManager[Reader]:
    """Each reader has a connection to the instance; one that lost it would wait to be accepted."""
    return nullcontext(over_http(service.instances[0].address))


DIRECT = (
    Fault(
        "No descriptors left in an instance",
        "hits of its clients answered, others wait to be accepted",
        no_descriptors,
        (
            demands.hits_are_answered,
            demands.hits_come_from_the_cache,
            demands.all_within(0.5),
            demands.back_within(1.0),
        ),
        readers=_at_its_door,
    ),
)

PROXIED = (
    Fault(
        "Worker's loop stands still for 150 ms, again and again, without Postgres",
        "no hit refused",
        standing_still,
        (
            demands.hits_are_answered,
            demands.hits_come_from_the_cache,
            demands.hits_within(0.5),
            demands.felt_as_slow(_STILL_SECONDS / 2),
            demands.back_within(3.0),
        ),
        postgres_faults.REFUSED,
    ),
)
