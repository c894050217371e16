import itertools
import socket
import time
from functools import partial

import pytest
import redis

from service.cache.entry import UNKNOWN_INCARNATION, Entry, State
from service.cache.keys import EPOCH
from service.cache.redis_store import RedisStore
from service.coroutines import block_on
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


def put(store, *entries, epoch=0, name="a", keep=KEEP):
    """Stores entries that were read in the incarnation that there is."""
    if store.incarnation == UNKNOWN_INCARNATION:
        block_on(store.put(epoch, []))
    own = [one._replace(incarnation=store.incarnation).encode() for one in entries]
    return block_on(store.put(epoch, [(name, each, keep) for each in own]))


def got(store, *names):
    """The epoch, and the entries as if of no incarnation."""
    epoch, _, found = block_on(store.get(names))
    return epoch, [one and Entry.decode(one)._replace(incarnation=0) for one in found]


def stored(store):
    return got(store, "a")[1][0]


def test_entries_come_back_in_the_order_asked_with_the_epoch(store):
    one, two = entry(5, 1, body=b"one"), entry(5, 1, body=b"two")
    assert got(store, "a") == (None, [None])
    assert put(store, one, epoch=5) + put(store, two, epoch=5, name="b") == 2
    assert got(store, "b", "none", "a") == (5, [two, None, one])


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


@pytest.mark.parametrize("other", [-1, 1])
def test_entries_of_the_releases_before_and_after_keep_older_fills_out(store, client, other):
    put(store, entry(5, 9), epoch=5)
    for state in (State.TOMBSTONE, State.PRESENT):
        theirs = entry(5, 10, state)._replace(incarnation=store.incarnation).encode()
        client.set("a", bytes([theirs[0] + other]) + theirs[1:])
        assert put(store, entry(5, 9)) == 0
        assert put(store, entry(5, 9, State.TOMBSTONE)) == 0
        assert put(store, entry(5, 10)) == 1
        assert stored(store) == entry(5, 10)


@pytest.mark.parametrize("other", [-2, 2])
def test_what_is_of_no_format_near_this_one_is_nothing(store, client, other):
    put(store, entry(5, 9), epoch=5)
    theirs = entry(5, 10, State.TOMBSTONE).encode()
    client.set("a", bytes([theirs[0] + other]) + theirs[1:])
    assert put(store, entry(5, 9)) == 1


def test_a_newer_load_wins_and_an_older_one_is_not_stored_at_all(store):
    put(store, entry(5, 99), epoch=5)
    assert put(store, entry(6, 1), epoch=6) == 1
    assert put(store, entry(5, 100), epoch=5) == 0
    assert got(store, "a") == (6, [entry(6, 1)])
    assert put(store, entry(5, 100), epoch=5, name="other") == 0
    assert block_on(store.put(4, [])) == 0
    assert got(store)[0] == 6


def test_in_another_incarnation_nothing_is_stored_that_asks_for_this_one(store, client):
    assert store.incarnation == UNKNOWN_INCARNATION
    assert block_on(store.put(5, [("a", entry(5, 1).encode(), KEEP)], UNKNOWN_INCARNATION)) == 0
    incarnation = store.incarnation
    assert got(store, "a") == (5, [None])
    assert store.incarnation == incarnation != UNKNOWN_INCARNATION
    read = [("a", entry(5, 1)._replace(incarnation=incarnation).encode(), KEEP)]
    assert block_on(store.put(5, read, incarnation)) == 1
    client.flushall()
    assert block_on(store.put(5, read, incarnation)) == 0
    assert store.incarnation > incarnation
    assert put(store, entry(5, 1, State.TOMBSTONE), epoch=5) == 1  # which is right in any
    client.flushall()
    got(store, "a")
    assert store.incarnation == UNKNOWN_INCARNATION


@pytest.mark.parametrize("state", [State.PRESENT, State.TOMBSTONE])
def test_an_entry_of_another_incarnation_keeps_older_fills_out(store, client, state):
    block_on(store.put(5, []))
    before = store.incarnation
    put(store, entry(5, 9, state))
    client.delete(EPOCH)  # though its entries are still there
    block_on(store.put(5, []))
    assert store.incarnation > before
    assert put(store, entry(5, 8)) == 0
    assert put(store, entry(5, 9)) == 1


def test_a_document_of_another_incarnation_is_not_stored(store):
    block_on(store.put(5, []))
    other = entry(5, 1)._replace(incarnation=store.incarnation + 1)
    assert block_on(store.put(5, [("a", other.encode(), KEEP)])) == 0
    assert put(store, entry(5, 1)) == 1


def test_a_fill_that_comes_too_late_is_not_stored(store):
    for version in (1, 2):
        told = [("a", entry(5, version, State.TOMBSTONE).encode(), KEEP)]
        assert block_on(store.put(5, told, not_after=time.monotonic() - 0.001)) == 0
        assert block_on(store.put(5, told, not_after=time.monotonic() + 5)) == 1


def test_an_identity_that_is_out_of_date_is_asked_for_anew_before_it_replaces_another(store, client):
    block_on(store.put(5, []))
    epoch, incarnation, _ = client.get(EPOCH).split(b":")
    client.set(EPOCH, b"%b:%b:of another server" % (epoch, incarnation))
    assert got(store, "a") == (None, [None])
    assert store.incarnation == UNKNOWN_INCARNATION
    block_on(store.count("some"))  # so that there is a connection which is not new
    assert block_on(store._call(partial(store._put, 5, [], None, None)))[0] == -1
    assert block_on(store.put(5, [])) == 0
    assert store.incarnation > int(incarnation)
    assert got(store, "a") == (5, [None])


def test_an_epoch_that_nobody_knows_is_none_though_there_is_a_life(store):
    assert block_on(store.put(0, [])) == 0
    assert got(store)[0] is None
    assert store.incarnation != UNKNOWN_INCARNATION


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
    put(store, entry(5, 1), epoch=5, keep=0.5)
    put(store, entry(5, 1), epoch=5, name="b", keep=86400)
    assert 0 < client.pttl("a") <= 500
    assert 86_000_000 < client.pttl("b") <= 86_400_000
    assert client.pttl(EPOCH) == -1


def test_flushed_scripts_are_loaded_again(store, client):
    put(store, entry(5, 1), epoch=5)
    client.script_flush()
    assert put(store, entry(5, 2), epoch=5) == 1


def test_a_large_batch_is_one_call(store):
    names = [str(number) for number in range(1000)]
    entries = [entry(5, int(name) % 9 + 1, body=name.encode() * 50) for name in names]
    block_on(store.put(5, []))
    own = [one._replace(incarnation=store.incarnation).encode() for one in entries]
    assert block_on(store.put(5, [(name, each, KEEP) for name, each in zip(names, own, strict=True)])) == 1000
    assert got(store, *names) == (5, entries)


@pytest.mark.parametrize(
    "call", [lambda s: got(s, "a"), lambda s: block_on(s.put(5, [])), lambda s: block_on(s.count("some"))]
)
def test_a_dead_and_a_silent_redis_are_unavailable_within_the_deadline(call):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for port in (silent.getsockname()[1], 1):
            store = RedisStore(f"redis://127.0.0.1:{port}/0", 0.1)
            began = time.monotonic()
            with pytest.raises(RedisUnavailable):
                call(store)
            assert time.monotonic() - began < 0.5
            store.close()
