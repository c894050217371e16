"""What can happen to the one loop of a worker: it stands still, or may open nothing more."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos import demands, postgres_faults
from tests.chaos.faults import Fault
from tests.chaos.waits import again_and_again
from tests.e2e.service_under_test import Service

_STILL_SECONDS = 0.15  # longer than Redis' deadline of 0.1 s
_FAR_SECONDS = 0.01  # each way to Redis, so that a look-up is under way most of the time


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
