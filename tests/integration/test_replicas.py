"""Fills and lists from a standby: nothing older than what was announced, however far it lags, and no read fails."""

import threading
import time
from dataclasses import replace

import pytest
import redis

from service import deadline
from service.cache.breaker import Breaker
from service.cache.keys import POSITION
from service.cache.position import Position
from service.cache.redis_store import RedisStore
from service.catalogue import Key, Kind
from service.catalogue.replicas import Replica, Replicas
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.metrics import Metrics
from service.postgres import Call, Postgres, Statement
from service.settings import SettingError, Settings
from tests.chaos.waits import wait_until
from tests.integration.replication import ONE, Pair, body, forget, primary_down, started

TWO, NONE = Key(Kind.CARD, 2), Key(Kind.CARD, 99)


@pytest.fixture(scope="module")
def module_pair(server_root, free_port):
    with started(Pair, server_root, free_port) as pair:
        yield pair


@pytest.fixture
def pair(module_pair):
    """The standby follows at the end of each test."""
    yield module_pair
    module_pair.standby.resume()
    if not module_pair.standby.alive():
        module_pair.standby.start()
    module_pair.configure(module_pair.standby, recovery_min_apply_delay="0")
    module_pair.sql("SELECT pg_wal_replay_resume()", server=module_pair.standby)


@pytest.fixture
def settings(pair, redis_url):
    return Settings(
        pair.primary.url, redis_url, "s" * 32, database_read_url=pair.standby.url, postgres_timeout_seconds=1.0
    )


@pytest.fixture
def instance(settings, open_instance):
    """Makes an instance."""
    return lambda **changed: open_instance(replace(settings, **changed))


@pytest.fixture
def outbox(pair, redis_url, open_outbox):
    """Drained once, so that Redis has the epoch and a position."""
    outbox = open_outbox(pair.primary.url, redis_url)
    pair.caught_up()
    return outbox


def pause(pair):
    pair.sql("SELECT pg_wal_replay_pause()", server=pair.standby)
    wait_until(lambda: pair.sql("SELECT pg_get_wal_replay_pause_state()", server=pair.standby) == [("paused",)])


def test_fills_refreshes_and_lists_are_read_from_a_replica_without_the_primary(pair, outbox, instance):
    parts = instance()
    primary_down(parts)
    assert body(parts).startswith(b'{"id":1')
    assert block_on(parts.catalogue.documents([ONE]))[ONE].outcome == "hit"
    assert block_on(parts.lists.ids_after(0, 2)) == ([1, 2], True)
    assert block_on(parts.lists.ids_on_page(1, 2, 2)) == ([1, 2], True)
    assert body(parts, Key(Kind.STYLES, 2)) is not None
    with pytest.raises(PostgresUnavailable):  # it may have come since
        body(parts, NONE)


def delay(pair):
    pair.configure(pair.standby, recovery_min_apply_delay="1h")
    wait_until(lambda: pair.sql("SHOW recovery_min_apply_delay", server=pair.standby) == [("1h",)])


@pytest.mark.parametrize("lags", [pause, delay])
def test_a_replica_that_lacks_what_was_announced_is_not_read_however_long_it_lags(
    pair, outbox, instance, redis_url, lags
):
    parts = instance()
    assert body(parts)
    lags(pair)
    pair.rename(f"New {lags.__name__}")
    outbox.drain()
    forget(redis_url)  # as tombstones are, after a minute
    assert lags.__name__.encode() in body(parts)
    pair.sql("INSERT INTO products VALUES (50, 'Late', '', '', '', 5)")
    outbox.drain()
    assert block_on(parts.lists.ids_after(3, 5)) == ([50], False)
    forget(redis_url, Key(Kind.CARD, 50))
    assert b"Late" in body(parts, Key(Kind.CARD, 50))
    pair.sql("DELETE FROM products WHERE id = 50")


def test_a_product_that_a_replica_does_not_have_is_asked_of_the_primary(pair, outbox, instance):
    parts = instance()
    pause(pair)
    pair.sql("INSERT INTO products VALUES (99, 'Late', '', '', '', 5)")
    assert b"Late" in body(parts, NONE)  # though it has yet to be announced
    pair.sql("DELETE FROM products WHERE id = 99")


def test_what_the_cache_refuses_of_a_replica_is_not_served(pair, outbox, instance, redis_url):
    """It was announced after the look-up, while the replica was read."""
    parts = instance()
    pause(pair)
    replicas = parts.replicas[0]._replicas[0].postgres
    run = replicas.run

    async def overtaken(*calls):
        rows = await run(*calls)
        pair.rename("Overtaking")
        outbox.drain()
        return rows

    replicas.run = overtaken
    assert b"Overtaking" in body(parts)
    assert b"Overtaking" in body(parts)


@pytest.mark.parametrize("known", ["no position", "another incarnation", "another epoch"])
def test_without_a_position_the_primary_is_asked(pair, outbox, instance, redis_url, known):
    parts = instance()
    with redis.Redis.from_url(redis_url) as client:
        incarnation, epoch, written = map(int, client.get(POSITION).split(b":"))
        if known == "no position":
            client.delete(POSITION)
        elif known == "another incarnation":
            client.set(POSITION, f"{incarnation - 1}:{epoch}:{written}")
        else:
            client.set(POSITION, f"{incarnation}:{epoch - 1}:{written}")
    primary_down(parts)
    with pytest.raises(PostgresUnavailable):
        body(parts)
    with pytest.raises(PostgresUnavailable):
        block_on(parts.lists.ids_after(0, 2))


def test_a_position_only_rises_within_an_epoch_and_is_of_its_incarnation(outbox, redis_url):
    store = RedisStore(redis_url, 1.0, with_position=True)
    assert block_on(store.get([])).epoch
    epoch, written, incarnation, _ = store.position
    for given, kept in (((1, 10), (1, 10)), ((1, 9), (1, 10)), ((2, 5), (2, 5)), ((1, 99), (2, 5)), ((2, 6), (2, 6))):
        assert block_on(store.raise_position(incarnation, epoch + given[0], given[1]))
        with redis.Redis.from_url(redis_url) as client:
            assert client.get(POSITION) == b"%d:%d:%d" % (incarnation, epoch + kept[0], kept[1])
    assert not block_on(store.raise_position(incarnation - 1, epoch + 9, written))
    store.close()


def killed(pair):
    pair.standby.kill()


def hung(pair):
    pair.standby.pause()


@pytest.mark.parametrize("fault", [killed, hung])
def test_a_replica_that_fails_costs_a_share_of_the_deadline_once_and_no_read(pair, outbox, instance, redis_url, fault):
    parts = instance()
    assert body(parts)
    fault(pair)
    longest = []
    for _ in range(20):
        forget(redis_url)
        began = time.monotonic()
        assert body(parts)
        longest.append(time.monotonic() - began)
    assert max(longest) < 0.6
    assert sorted(longest)[-3] < 0.1
    pair.standby.resume()


def test_with_a_primary_that_hangs_redis_is_back_in_time_for_a_replica(pair, outbox, instance, silent_port):
    """Whether invalidations are pending is asked of the primary, by one whose answer is still to be read."""
    parts = instance(database_url=f"postgresql://{silent_port}/none")
    assert body(parts)
    catch_up = parts.catalogue._cache.catch_up
    catch_up.breaker = Breaker(0.0, time.monotonic)
    catch_up.failed()
    with deadline.within(1.0):
        assert body(parts, TWO)
    assert not parts.catalogue.cache_is_down


def test_a_replica_that_catches_up_while_the_primary_hangs_is_asked_again(pair, outbox, instance, silent_port):
    parts = instance(database_url=f"postgresql://{silent_port}/none")
    assert body(parts)
    pause(pair)
    pair.rename("Caught up")
    outbox.drain()
    resuming = threading.Timer(0.2, lambda: pair.sql("SELECT pg_wal_replay_resume()", server=pair.standby))
    resuming.start()
    with deadline.within(1.0):
        assert b"Caught up" in body(parts)
    resuming.join()


def test_a_replica_that_is_busy_or_is_asked_too_late_has_not_failed(pair):
    pool = Postgres(pair.standby.url, 1, 0.1, of_replica=True)
    ((epoch,),) = pair.sql("SELECT epoch FROM current_epoch")
    replicas = Replicas([Replica("replica", pool)], 0.4, Metrics().replica_reads)
    at, call = Position(epoch, 0, 1, 0.0), Call(Statement("one", "SELECT 1"))
    with deadline.within(0.0), pytest.raises(PostgresUnavailable):
        block_on(replicas.run(at, call))
    block_on(pool._slots.take(time.monotonic()))
    with pytest.raises(PostgresUnavailable):
        block_on(replicas.run(at, call))
    pool._slots.give_back()
    assert block_on(replicas.run(at, call)) == [(1,)]
    pool.close()


def test_of_several_hosts_one_that_is_down_is_skipped(pair, outbox, instance, closed_port):
    dead = pair.standby.url.replace(pair.standby.address, f"{closed_port},{pair.standby.address}")
    parts = instance(database_read_url=dead)
    for number in (1, 2, 3):
        body(parts, Key(Kind.CARD, number))
    primary_down(parts)
    for number in (1, 2, 3):
        assert body(parts, Key(Kind.RELATED, number))


def test_a_primary_is_no_replica(pair, outbox, instance):
    """It may be one that was promoted by mistake: what it lacks, no position shows."""
    parts = instance(database_read_url=pair.primary.url)
    primary_down(parts)
    with pytest.raises(PostgresUnavailable):
        body(parts)


def test_a_wrong_url_names_its_setting_and_nothing_of_its_value(instance):
    with pytest.raises(SettingError, match="DATABASE_READ_URL") as raised:
        instance(database_read_url="mysql://a:hunter2@b/c")
    assert "hunter2" not in str(raised.value)
