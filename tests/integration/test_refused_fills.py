"""What was answered and then not stored: an older version that others have stored does not follow it."""

import pytest
import redis

from service.cache.aside import CacheAside, Lifetimes
from service.cache.redis_store import RedisStore
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import DatabaseCatalogue
from service.coroutines import block_on
from service.metrics import Metrics
from tests.chaos.waits import wait_until

ONE = Key(Kind.CARD, 1)
LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=50)


class Source:
    """The real catalogue; ``first`` happens before it is read the next time."""

    def __init__(self, postgres):
        self.catalogue, self.first = DatabaseCatalogue(postgres), None

    async def documents(self, keys):
        first, self.first = self.first, None
        if first:
            first()
        return await self.catalogue.documents(keys)


@pytest.fixture
def instance(postgres, redis_url, outbox):
    """Makes an instance: a catalogue and its source."""
    closing = []

    def instance():
        store, source = RedisStore(redis_url, 1.0), Source(postgres)
        cache = CacheAside(store, LIFETIMES, pending=source.catalogue.pending_invalidations)
        closing.extend((CachedCatalogue(source, cache, Metrics(), wait_seconds=5.0), store))
        return closing[-2], source

    yield instance
    for each in closing:
        each.close()


def test_an_answer_from_before_redis_was_emptied_is_followed_by_nothing_older(instance, redis_url, change, outbox):
    (catalogue, source), (other, _) = instance(), instance()

    def emptied_filled_and_changed():
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        assert b"One" in block_on(other.documents([ONE]))[ONE].body
        change("UPDATE products SET name = 'New' WHERE id = 1")

    source.first = emptied_filled_and_changed
    assert b"New" in block_on(catalogue.documents([ONE]))[ONE].body
    assert b"New" in block_on(catalogue.documents([ONE]))[ONE].body  # though the invalidator has yet to hear of it
    outbox.drain()
    wait_until(lambda: block_on(catalogue.documents([ONE]))[ONE].outcome == "hit")
    assert b"New" in block_on(catalogue.documents([ONE]))[ONE].body
