import pytest

from service.cache.aside import CacheAside, Lifetimes
from service.cache.entry import UNKNOWN_INCARNATION, Entry, Found, State
from service.coroutines import block_on
from service.errors import PostgresUnavailable, RedisUnavailable

LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=5)
EPOCH, INCARNATION = 10, 7


class Shelf:
    """A store that can be looked into, and can fail."""

    incarnation = INCARNATION

    def __init__(self):
        self.epoch, self.entries, self.puts, self.gets, self.fails = EPOCH, {}, [], 0, False

    async def get(self, names):
        self.gets += 1
        if self.fails:
            raise RedisUnavailable
        return Found(self.epoch, self.incarnation, [self.entries.get(name) for name in names])

    async def put(self, epoch, entries, incarnation=None, not_after=None):
        if self.fails:
            raise RedisUnavailable
        self.puts.append((epoch, entries))
        self.limits = incarnation, not_after
        return len(entries)


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def wall():
    return Clock(1_000_000.0)


@pytest.fixture
def monotonic():
    return Clock(50.0)


@pytest.fixture
def cache(shelf, wall, monotonic):
    return CacheAside(shelf, LIFETIMES, wall, monotonic)


def present(fresh_until, epoch=EPOCH, version=1, incarnation=INCARNATION):
    return Entry(State.PRESENT, epoch, version, fresh_until, "e" * 16, b"{}", incarnation)


@pytest.mark.parametrize(
    ("seconds_left", "stale"),
    [(50, False), (100, False), (0, True), (-1, True), (-1e6, True), (101, True), (3600, True)],
)
def test_an_entry_is_fresh_within_its_time_and_stale_when_the_clock_was_put_back(
    cache, shelf, wall, seconds_left, stale
):
    shelf.entries["a"] = present(wall.now + seconds_left).encode()
    (found,) = block_on(cache.look_up(["a"]))
    assert found is not None
    assert found.outcome == ("stale" if stale else "hit")


def test_nothing_a_tombstone_an_old_load_another_incarnation_and_strange_bytes_are_misses(cache, shelf, wall):
    shelf.entries = {
        "tombstone": Entry(State.TOMBSTONE, EPOCH, 5).encode(),
        "old load": present(wall.now + 50, epoch=EPOCH - 1).encode(),
        "incarnation": present(wall.now + 50, incarnation=INCARNATION - 1).encode(),
        "strange": b"?",
    }
    assert block_on(cache.look_up(["nothing", "tombstone", "old load", "incarnation", "strange"])) == [None] * 5


def test_without_an_epoch_everything_is_a_miss(cache, shelf, wall):
    shelf.entries["a"] = present(wall.now + 50).encode()
    shelf.epoch = None
    assert block_on(cache.look_up(["a"])) == [None]


def test_an_epoch_seen_in_the_source_counts_before_redis_hears_of_it(cache, shelf, wall, monotonic):
    shelf.entries["a"] = present(wall.now + 50).encode()
    block_on(cache.fill({"b": present(0, epoch=EPOCH + 1)}, monotonic.now, INCARNATION))
    assert block_on(cache.look_up(["a"])) == [None]


def test_lifetimes_of_what_is_there_and_what_is_not(cache, shelf, wall, monotonic):
    missing = Entry(State.MISSING, EPOCH, 0)
    assert block_on(cache.fill({"a": present(1.0), "b": missing}, monotonic.now, INCARNATION)) == 2
    ((epoch, stored),) = shelf.puts
    assert epoch == EPOCH
    assert [(name, keep) for name, _, keep in stored] == [("a", 1000), ("b", 5)]


def test_freshness_varies_within_a_tenth(cache, wall):
    times = {cache.fresh_until(State.PRESENT) - wall.now for _ in range(200)}
    assert 90 <= min(times) < max(times) <= 100
    assert 4.5 <= cache.fresh_until(State.MISSING) - wall.now <= 5


def test_a_fill_that_took_too_long_is_thrown_away(cache, shelf, monotonic):
    began = monotonic.now
    monotonic.now += 11
    assert block_on(cache.fill({"a": present(1.0)}, began, INCARNATION)) == 0
    assert shelf.puts == []


def test_a_fill_says_which_incarnation_it_was_read_in_and_when_it_is_too_late(cache, shelf, monotonic):
    block_on(cache.fill({"a": present(1.0, incarnation=0)}, monotonic.now - 3, INCARNATION))
    assert shelf.limits == (INCARNATION, monotonic.now + 7)
    ((_, ((_, stored, _),)),) = shelf.puts
    assert Entry.decode(stored).incarnation == INCARNATION


def test_a_store_that_failed_is_left_alone_for_a_moment(cache, shelf, wall, monotonic):
    shelf.entries["a"] = present(wall.now + 50).encode()
    shelf.fails = True
    for _ in range(3):
        with pytest.raises(RedisUnavailable):
            block_on(cache.look_up(["a"]))
    assert shelf.gets == 1
    shelf.fails = False
    assert block_on(cache.fill({"a": present(1.0)}, monotonic.now, INCARNATION)) == 0
    monotonic.now += 1
    assert block_on(cache.look_up(["a"])) != [None]
    assert block_on(cache.fill({"a": present(1.0)}, monotonic.now, INCARNATION)) == 1


class Outbox:
    """The changes that the store was not told of, which may be out of reach."""

    def __init__(self):
        self.waiting, self.fails, self.asked = [], False, 0

    async def span(self):
        self.asked += 1
        if self.fails:
            raise PostgresUnavailable
        return (min(self.waiting), max(self.waiting)) if self.waiting else (0, 0)


@pytest.fixture
def outbox():
    return Outbox()


@pytest.fixture
def failed_once(shelf, wall, monotonic, outbox):
    """A cache whose store failed, is back, and may be asked again."""
    cache = CacheAside(shelf, LIFETIMES, wall, monotonic, pending=outbox.span)
    shelf.entries["a"] = present(wall.now + 50).encode()
    shelf.fails = True
    with pytest.raises(RedisUnavailable):
        block_on(cache.look_up(["a"]))
    shelf.fails = False
    monotonic.now += 1
    return cache


def test_after_a_failure_nothing_is_served_until_the_store_was_told_what_it_missed(failed_once, outbox, monotonic):
    outbox.waiting = [7, 8]
    for waiting in ([7, 8], [8], [8, 9]):
        outbox.waiting = waiting
        with pytest.raises(RedisUnavailable):
            block_on(failed_once.look_up(["a"]))
        assert failed_once.catch_up.breaker.is_open
        monotonic.now += 1
    outbox.waiting = [9]  # which came later
    assert block_on(failed_once.look_up(["a"])) != [None]
    assert not failed_once.catch_up.breaker.is_open


def test_while_it_is_told_what_it_missed_fills_are_stored(failed_once, shelf, outbox, monotonic):
    assert block_on(failed_once.fill({"a": present(1.0)}, monotonic.now, INCARNATION)) == 0
    outbox.waiting = [7]
    with pytest.raises(RedisUnavailable):
        block_on(failed_once.look_up(["a"]))
    assert block_on(failed_once.fill({"a": present(1.0)}, monotonic.now, INCARNATION)) == 1


def test_where_nobody_can_say_what_it_missed_it_is_trusted(failed_once, outbox):
    outbox.fails = True
    assert block_on(failed_once.look_up(["a"])) != [None]


def test_it_stays_in_doubt_if_it_fails_again_while_one_asks_what_it_missed(failed_once, shelf, outbox, monotonic):
    async def fails_meanwhile():
        shelf.fails = True
        await failed_once.fill({"a": present(1.0)}, monotonic.now, INCARNATION)
        shelf.fails = False
        return 0, 0

    failed_once.catch_up.pending = fails_meanwhile
    with pytest.raises(RedisUnavailable):
        block_on(failed_once.look_up(["a"]))
    assert failed_once.catch_up.breaker.is_open


def test_what_it_missed_is_asked_after_failures_only(failed_once, outbox):
    for _ in range(3):
        block_on(failed_once.look_up(["a"]))
    assert outbox.asked == 1


def test_a_fill_that_fails_is_no_error_and_opens_the_breaker(cache, shelf, monotonic):
    shelf.fails = True
    assert block_on(cache.fill({"a": present(1.0)}, monotonic.now, INCARNATION)) == 0
    assert cache.catch_up.breaker.is_open


def test_an_emptied_store_is_told_the_epoch_before_the_source_is_read(cache, shelf, monotonic):
    assert block_on(cache.incarnation()) == INCARNATION
    assert shelf.puts == []
    block_on(cache.fill({"a": present(1.0)}, monotonic.now, INCARNATION))
    shelf.incarnation = UNKNOWN_INCARNATION
    block_on(cache.incarnation())
    assert shelf.puts[1:] == [(EPOCH, [])]
    shelf.fails = True
    assert block_on(cache.incarnation()) == UNKNOWN_INCARNATION
    assert cache.catch_up.breaker.is_open


def test_nothing_to_fill_asks_nobody(cache, shelf, monotonic):
    assert block_on(cache.fill({}, monotonic.now, INCARNATION)) == 0
    assert shelf.puts == []
