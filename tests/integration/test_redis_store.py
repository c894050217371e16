import itertools
import socket
import time

import pytest
import redis

from service.cache.aside import UNKNOWN_LIFE
from service.cache.entry import Entry, State
from service.cache.keys import EPOCH
from service.cache.redis_store import RedisStore
from service.errors import RedisUnavailable

KEEP = 100.0


@pytest.fixture
def client(redis_url):
    client = redis.Redis.from_url(redis_url)
    yield client
    client.close()


@pytest.fixture
def store(redis_url, client):
    store = RedisStore(redis_url, 1.0)
    yield store
    store.close()


def entry(epoch, version, state=State.PRESENT, body=b"body"):
    return Entry(state, epoch, version, 1.0, *(("e" * 16, body) if state is State.PRESENT else ()))


def put(store, *entries, epoch=0):
    return store.put(epoch, [("a", one.encode(), KEEP) for one in entries])


def got(store, *names):
    store.ask(names)
    return store.take()


def stored(store):
    (found,) = got(store, "a")[1]
    return Entry.decode(found)


def test_entries_come_back_in_the_order_asked_with_the_epoch(store):
    one, two = entry(5, 1, body=b"one"), entry(5, 1, body=b"two")
    assert got(store, "a") == (None, [None])
    assert store.put(5, [("a", one.encode(), KEEP), ("b", two.encode(), KEEP)]) == 2
    assert got(store, "b", "none", "a") == (5, [two.encode(), None, one.encode()])


def test_a_fill_never_replaces_a_newer_entry_or_tombstone(store):
    for newer in (entry(5, 9), entry(5, 10, State.TOMBSTONE)):
        put(store, newer, epoch=5)
        assert put(store, entry(5, 8)) == 0
        assert stored(store) == newer
        assert put(store, entry(5, 0, State.MISSING)) == 0
        assert stored(store) == newer


def test_at_the_same_version_a_fill_replaces_a_tombstone_and_a_tombstone_nothing(store):
    put(store, entry(5, 9, State.TOMBSTONE), epoch=5)
    assert put(store, entry(5, 9)) == 1
    assert put(store, entry(5, 9, State.TOMBSTONE)) == 0
    assert stored(store) == entry(5, 9)
    refreshed = entry(5, 9)._replace(fresh_until=2.0)
    assert put(store, refreshed) == 1
    assert stored(store) == refreshed


def test_a_newer_load_wins_and_an_older_one_is_not_stored_at_all(store):
    put(store, entry(5, 99), epoch=5)
    assert put(store, entry(6, 1), epoch=6) == 1
    assert put(store, entry(5, 100), epoch=5) == 0
    assert got(store, "a") == (6, [entry(6, 1).encode()])
    assert store.put(5, [("other", entry(5, 100).encode(), KEEP)]) == 0
    assert store.put(4, []) == 0
    assert got(store)[0] == 6


def test_in_another_life_nothing_is_stored_that_asks_for_this_one(store, client):
    assert store.life == UNKNOWN_LIFE
    assert store.put(5, [("a", entry(5, 1).encode(), KEEP)], UNKNOWN_LIFE) == 0
    life = store.life
    assert got(store, "a") == (5, [None])
    assert store.life == life != UNKNOWN_LIFE
    assert store.put(5, [("a", entry(5, 1).encode(), KEEP)], life) == 1
    client.flushall()
    assert store.put(5, [("a", entry(5, 1).encode(), KEEP)], life) == 0
    assert store.life > life
    assert put(store, entry(5, 1, State.TOMBSTONE), epoch=5) == 1  # which is right in any life
    client.flushall()
    got(store, "a")
    assert store.life == UNKNOWN_LIFE


def test_an_epoch_that_nobody_knows_is_none_though_there_is_a_life(store):
    assert store.put(0, []) == 0
    assert got(store)[0] is None
    assert store.life != UNKNOWN_LIFE


def test_strange_bytes_are_replaced(store, client):
    client.set("a", b"what another release left here, long enough for a header")
    assert put(store, entry(5, 1)) == 1
    assert stored(store) == entry(5, 1)


def test_every_order_of_the_same_writes_ends_with_the_newest(store, client):
    writes = [entry(5, 1), entry(5, 2), entry(5, 3, State.TOMBSTONE), entry(5, 3), entry(5, 0, State.MISSING)]
    for order in itertools.permutations(writes):
        client.delete("a")
        for one in order:
            put(store, one, epoch=5)
        assert stored(store) == entry(5, 3)


def test_versions_near_the_largest_compare_exactly(store):
    largest = 2**53 - 1
    put(store, entry(largest, largest), epoch=largest)
    assert put(store, entry(largest, largest - 1)) == 0


def test_entries_are_dropped_by_redis_after_their_time(store, client):
    store.put(5, [("a", entry(5, 1).encode(), 0.5), ("b", entry(5, 1).encode(), 86400)])
    assert 0 < client.pttl("a") <= 500
    assert 86_000_000 < client.pttl("b") <= 86_400_000
    assert client.pttl(EPOCH) == -1


def test_flushed_scripts_are_loaded_again(store, client):
    put(store, entry(5, 1), epoch=5)
    client.script_flush()
    assert put(store, entry(5, 2), epoch=5) == 1


def test_a_large_batch_is_one_call(store):
    names = [str(number) for number in range(1000)]
    entries = [(name, entry(5, int(name) % 9 + 1, body=name.encode() * 50).encode(), KEEP) for name in names]
    assert store.put(5, entries) == 1000
    assert got(store, *names) == (5, [one for _, one, _ in entries])


@pytest.mark.parametrize("call", [lambda s: got(s, "a"), lambda s: s.put(5, []), lambda s: s.ping()])
def test_a_dead_and_a_silent_redis_are_unavailable_within_the_deadline(call):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            store = RedisStore(f"redis://127.0.0.1:{port}/0", 0.1)
            began = time.monotonic()
            with pytest.raises(RedisUnavailable):
                call(store)
            assert time.monotonic() - began < 0.5
            store.close()
