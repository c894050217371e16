"""A wall clock that steps. What goes by it, cache-aside, is read here by itself, with a clock of ours and real stores.

Redis keeps entries by a clock of its own and is told durations; deadlines, breakers and pauses use the monotonic clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from deploy.local import probes
from service.cache.aside import CacheAside, Lifetimes
from service.cache.entry import Entry
from service.cache.keys import entry_name
from service.cache.redis_store import RedisStore
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import DatabaseCatalogue
from service.coroutines import block_on
from service.errors import ServiceError
from service.metrics import Metrics
from service.postgres import Postgres
from tests.chaos import demands
from tests.chaos.faults import Fault
from tests.chaos.load import HOT, Read, Reader, Said
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import POSTGRES_TIMEOUT_SECONDS, Service

_HOUR_SECONDS = 3600.0
_LIFETIMES = Lifetimes(fresh_seconds=300.0, keep_seconds=86400.0, missing_seconds=10.0)
_CONNECTIONS = 4
_REDIS_TIMEOUT_SECONDS = 2.0  # the clock is what fails here: a busy machine is no outage of Redis


class SteppingClock:
    """The wall clock, put forward or back by ``step_seconds``."""

    step_seconds = 0.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.step_seconds


def stepped(clock: SteppingClock, seconds: float) -> Callable[[Service], AbstractContextManager[None]]:
    """There and back: after both steps every entry is soon one that ends as this clock would have it."""

    @contextmanager
    def strike(service: Service) -> Iterator[None]:
        clock.step_seconds = seconds
        wait_until(lambda: _expire_in_time(service, clock))
        yield
        clock.step_seconds = 0.0
        wait_until(lambda: _expire_in_time(service, clock))

    return strike


def _expire_in_time(service: Service, clock: SteppingClock) -> bool:
    """Whether every hot entry needs a refresh, and is dropped by Redis, no later than an entry made now."""
    names = [entry_name(Kind.PRODUCT, product_id) for product_id in HOT]
    with probes.client(service.redis.url) as client, client.pipeline() as pipeline:
        for name in names:
            pipeline.pttl(name)
        kept_milliseconds = pipeline.execute()
        fresh_seconds = [Entry.decode(entry).fresh_until - clock() for entry in client.mget(names)]
    return all(0 < each <= _LIFETIMES.fresh_seconds for each in fresh_seconds) and all(
        0 < each <= _LIFETIMES.keep_seconds * 1000 for each in kept_milliseconds
    )


def _cache_by(clock: SteppingClock) -> Callable[[Service], AbstractContextManager[Reader]]:
    """Readers of a catalogue behind the service's cache, which goes by ``clock``."""

    @contextmanager
    def readers(service: Service) -> Iterator[Reader]:
        postgres = Postgres(service.postgres.url, _CONNECTIONS, POSTGRES_TIMEOUT_SECONDS)
        store = RedisStore(service.redis.url, _REDIS_TIMEOUT_SECONDS)
        database = DatabaseCatalogue(postgres)
        cache = CacheAside(store, _LIFETIMES, clock, pending=database.pending_invalidations)
        catalogue = CachedCatalogue(database, cache, Metrics(), POSTGRES_TIMEOUT_SECONDS)
        try:
            yield lambda: _reading(catalogue)
        finally:
            catalogue.close()
            store.close()
            postgres.close()

    return readers


@contextmanager
def _reading(catalogue: CachedCatalogue) -> Iterator[Read]:
    yield lambda product_id: _read(catalogue, Key(Kind.PRODUCT, product_id))


def _read(catalogue: CachedCatalogue, key: Key) -> Said:
    try:
        document = block_on(catalogue.documents([key]))[key]
    except ServiceError as error:
        return Said(error.status)
    return Said(200 if document.body else 404, document.outcome)


def _fault(name: str, seconds: float) -> Fault:
    clock = SteppingClock()
    wanted = "nothing expires wrongly or lives for ever"
    checks = (demands.every_read_is_answered, demands.hits_come_from_the_cache, demands.back_within(1.0))
    return Fault(name, wanted, stepped(clock, seconds), checks, {"outcome": "stale"}, readers=_cache_by(clock))


DIRECT = (_fault("Clock an hour forward", _HOUR_SECONDS), _fault("Clock an hour back", -_HOUR_SECONDS))
