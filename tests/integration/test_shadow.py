"""Shadow verification: a hit is equal, allowed to be stale, or wrong."""

import time

import pytest
import redis

from service.cache.aside import CacheAside, Lifetimes
from service.cache.entry import Entry
from service.cache.keys import entry_name
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import DatabaseCatalogue
from service.coroutines import block_on
from service.metrics import Metrics, exposition

ONE, NONE = Key(Kind.CARD, 1), Key(Kind.CARD, 99)


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def catalogue(postgres, store, outbox, metrics):
    database = DatabaseCatalogue(postgres)
    cache = CacheAside(store, Lifetimes(100, 1000, 50), pending=database.pending_invalidations)
    catalogue = CachedCatalogue(database, cache, metrics, wait_seconds=5.0, shadow_share=1.0)
    block_on(catalogue.documents([ONE, NONE]))  # fills
    yield catalogue
    catalogue.close()


@pytest.fixture
def judged(catalogue, metrics):
    """Reads a key once, as a hit, and says what was found behind it."""

    def judged(key):
        before = _counted(metrics)
        assert block_on(catalogue.documents([key]))[key].outcome == "hit"
        deadline = time.monotonic() + 10
        while (after := _counted(metrics)) == before:
            assert time.monotonic() < deadline
        return next(outcome for outcome, count in after.items() if count != before.get(outcome, 0))

    return judged


def _counted(metrics):
    lines = [
        line for line in exposition.text(metrics).decode().splitlines() if line.startswith("overview_shadow_total")
    ]
    counts = {line.split('"')[1]: float(line.split()[-1]) for line in lines}
    return {outcome: count for outcome, count in counts.items() if count}


def test_what_the_source_has_too_is_equal(judged):
    assert judged(ONE) == "equal"
    assert judged(NONE) == "equal"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE products SET name = 'New' WHERE id = 1",
        "DELETE FROM products WHERE id = 1",
        "INSERT INTO products VALUES (99, 'New', '', '', '', 5)",
    ],
)
def test_a_change_that_the_cache_was_not_told_of_is_allowed(judged, change, sql):
    change(sql)
    assert judged(NONE if "INSERT" in sql else ONE) == "allowed-stale"


def test_a_new_load_that_the_cache_was_not_told_of_is_allowed(judged, change):
    change("SELECT catalogue_raise_epoch('{}')")
    assert judged(ONE) == "allowed-stale"


def test_other_bytes_under_the_same_version_are_wrong(judged, redis_url, caplog):
    with redis.Redis.from_url(redis_url) as client:
        kept = Entry.decode(client.get(entry_name(*ONE)))
        client.set(entry_name(*ONE), kept._replace(etag="0" * 16, body=b"{}").encode())
    assert judged(ONE) == "wrong"
    assert "a wrong hit" in caplog.text


def test_an_old_version_after_the_cache_was_told_is_wrong(judged, change, outbox, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        old = client.get(entry_name(*ONE))
        change("UPDATE products SET name = 'New' WHERE id = 1")
        outbox.drain()
        client.set(entry_name(*ONE), old)
    assert judged(ONE) == "wrong"


def test_a_version_that_never_was_is_wrong(judged, redis_url):
    with redis.Redis.from_url(redis_url) as client:
        kept = Entry.decode(client.get(entry_name(*ONE)))
        client.set(entry_name(*ONE), kept._replace(version=kept.version + 7).encode())
    assert judged(ONE) == "wrong"
