import threading
import time
from pathlib import Path

import pytest

from deploy.local import probes, servers
from migrations import runner
from service.errors import Unavailable
from service.postgres import Postgres
from service.watch.events import Event
from service.watch.history import MINUTES, History
from service.watch.storage import DEADLINE_SECONDS, MOST_EVENTS, Storage
from tests.chaos.waits import wait_until
from tests.watch.reports import HITS, report

A = "127.0.0.1:1"


@pytest.fixture
def minute():
    """One of some minutes ago."""
    return int(time.time()) // 60 - 5


def storage_of(url):
    history = History()
    return Storage(Postgres(url, 1, DEADLINE_SECONDS), history), history


def hits(history, minute):
    return history.minutes.sum(HITS, minute, minute)


def rows(url, sql):
    with probes.query(url) as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def event(number):
    return Event(1000 + number, "redis", f"text {number} with 'quotes', \\ and ü", "Redis")


def test_minutes_outlive_the_process(database_url, minute):
    storage, history = storage_of(database_url)
    for number in range(3):
        second = (minute + number) * 60
        history.add(A, report((second, 10), incarnation=str(number), started=second - 1), second + 1)
    storage.store()
    again, loaded = storage_of(database_url)
    again.load()
    assert [hits(loaded, minute + number) for number in range(3)] == [10, 10, 10]
    assert rows(database_url, "SELECT slot, minute, counts FROM watch_minutes ORDER BY minute") == [
        ((minute + number) % 1440, minute + number, {HITS: 10, "reported": 1}) for number in range(3)
    ]


def test_a_minute_that_is_not_over_is_not_stored(database_url):
    storage, history = storage_of(database_url)
    now = int(time.time())
    history.add(A, report((now, 10), started=now - 1), now)
    storage.store()
    assert rows(database_url, "TABLE watch_minutes") == []


def test_a_late_row_changes_what_is_stored(database_url, minute):
    storage, history = storage_of(database_url)
    history.add(A, report((minute * 60, 10), started=minute * 60), minute * 60)
    storage.store()
    history.add("127.0.0.1:2", report((minute * 60, 5), started=minute * 60), minute * 60)
    storage.store()
    assert rows(database_url, "SELECT counts FROM watch_minutes") == [({HITS: 15, "reported": 2},)]


def test_a_minute_is_written_over_the_one_of_a_day_before_and_not_the_other_way(database_url, minute):
    with probes.query(database_url) as cursor:
        cursor.execute("INSERT INTO watch_minutes VALUES (%s, %s, '{}')", (minute % 1440, minute - MINUTES))
        cursor.execute("INSERT INTO watch_minutes VALUES (%s, %s, '{}')", ((minute + 1) % 1440, minute + 1 + MINUTES))
    storage, history = storage_of(database_url)
    for second in (minute * 60, minute * 60 + 60):
        history.add(A, report((second, 10), incarnation=str(second), started=second), second)
    storage.store()
    found = rows(database_url, "SELECT minute FROM watch_minutes ORDER BY minute")
    assert found == [(minute,), (minute + 1 + MINUTES,)]


def test_yesterday_is_not_loaded(database_url, minute):
    with probes.query(database_url) as cursor:
        counts = f'{{"{HITS.replace(chr(34), chr(92) + chr(34))}": 5}}'
        cursor.execute("INSERT INTO watch_minutes VALUES (%s, %s, %s)", (minute % 1440, minute - MINUTES, counts))
    storage, history = storage_of(database_url)
    storage.load()
    assert history.minutes.sum(HITS, 0, minute) == 0


def test_events_outlive_the_process_in_their_order(database_url):
    storage, _ = storage_of(database_url)
    storage.happened(map(event, range(3)))
    storage.store()
    again, _ = storage_of(database_url)
    again.happened([event(3)])  # before Postgres answers
    again.store()
    third, _ = storage_of(database_url)
    third.load()
    assert again.events() == third.events() == [event(number) for number in range(4)]


def test_no_more_events_are_kept_than_a_thousand(database_url):
    storage, _ = storage_of(database_url)
    for start in range(0, 2500, 500):
        storage.happened(map(event, range(start, start + 500)))
        storage.store()
    again, _ = storage_of(database_url)
    again.load()
    assert again.events() == storage.events() == [event(number) for number in range(2500 - MOST_EVENTS, 2500)]
    assert rows(database_url, "SELECT count(*), min(number), max(number) FROM watch_events") == [(1000, 1500, 2499)]


def test_events_that_wait_too_long_are_dropped_oldest_first(database_url):
    storage, _ = storage_of(database_url)
    storage.happened(map(event, range(MOST_EVENTS + 5)))
    storage.store()
    assert rows(database_url, "SELECT count(*), min(at) FROM watch_events") == [(MOST_EVENTS, 1005)]


@pytest.fixture
def stopped_postgres(server_root: Path, free_port):
    """A migrated server that is down."""
    root = server_root / "watch"
    root.mkdir()
    root.chmod(0o755)
    server = servers.Postgres(root, free_port("watch"), root / "log", durable=False)
    server.start()
    runner.migrate(server.url)
    server.stop()
    yield server
    server.stop()


def test_what_happens_while_postgres_is_down_is_stored_when_it_is_up(stopped_postgres, minute):
    storage, history = storage_of(stopped_postgres.url)
    with pytest.raises(Unavailable):
        storage.load()
    history.add(A, report((minute * 60, 10), started=minute * 60), minute * 60)
    storage.happened([event(1)])
    stop = threading.Event()
    thread = threading.Thread(target=storage.keep, args=(stop, 0.05))
    thread.start()
    try:
        stopped_postgres.start()
        wait_until(lambda: rows(stopped_postgres.url, "SELECT minute FROM watch_minutes") == [(minute,)])
        wait_until(lambda: rows(stopped_postgres.url, "SELECT at FROM watch_events") == [(1001,)])
        stopped_postgres.stop()
        history.add(A, report((minute * 60 + 60, 25), started=minute * 60), minute * 60 + 60)
        with pytest.raises(Unavailable):
            storage.store()
        stopped_postgres.start()
        wait_until(lambda: len(rows(stopped_postgres.url, "SELECT minute FROM watch_minutes")) == 2)
    finally:
        stop.set()
        thread.join()


def test_without_the_tables_nothing_is_stored_and_all_is_kept(empty_database_url, minute, caplog):
    storage, history = storage_of(empty_database_url)
    history.add(A, report((minute * 60, 10), started=minute * 60), minute * 60)
    with pytest.raises(Unavailable):
        storage.store()
    assert "cannot be used" in caplog.text
    runner.migrate(empty_database_url)
    storage.store()
    assert len(rows(empty_database_url, "TABLE watch_minutes")) == 1
