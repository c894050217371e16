import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import psycopg2
import pytest

from deploy.local import probes
from service import deadline
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.postgres import Call, Listener, Postgres, Statement
from tests.blocking import blocking
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.integration.pools import PROCESS, ran

ECHO = Statement("echo", "SELECT $1::int[], $2::text")
SLEEP = Statement("sleep", "SELECT pg_sleep($1::float)")
LOCKED = Statement("locked", "SELECT * FROM locked")
DIVIDE = Statement("divide", "SELECT 1 / $1::int")


@pytest.fixture
def proxy(postgres_server, free_port):
    proxy = FaultProxy(free_port("proxy to Postgres"), postgres_server.address)
    proxy.start()
    yield proxy
    proxy.stop()


def test_values_come_back_as_they_went(make_pool):
    assert block_on(make_pool().run(Call(ECHO, ([], "it's\n%s")))) == [([], b"it's\n%s")]
    assert block_on(make_pool().run(Call(ECHO, ([1, 2], "a")), Call(ECHO, ([3], "b")))) == [([3], b"b")]


def test_calls_of_one_run_are_one_transaction(make_pool, administrator):
    administrator.execute("CREATE TABLE kept (n int)")
    insert = Statement("insert_kept", "INSERT INTO kept VALUES ($1::int)")
    pool = make_pool()
    with pytest.raises(psycopg2.errors.DivisionByZero):
        block_on(pool.run(Call(insert, (1,)), Call(DIVIDE, (0,))))
    block_on(pool.run(Call(insert, (2,)), Call(insert, (3,))))
    administrator.execute("SELECT n FROM kept ORDER BY n")
    assert administrator.fetchall() == [(2,), (3,)]


def test_a_connection_is_used_again_and_never_more_than_the_size(make_pool, administrator):
    pool = make_pool(size=2)
    with ThreadPoolExecutor(8) as threads:
        processes = {
            row[0] for rows in threads.map(lambda _: block_on(pool.run(Call(PROCESS))), range(200)) for row in rows
        }
    assert 1 <= len(processes) <= 2


def test_who_finds_no_free_connection_waits_and_gives_up_at_the_deadline(make_pool):
    pool = make_pool(size=1, timeout_seconds=0.5)
    with ThreadPoolExecutor(1) as threads:
        sleeping = threads.submit(blocking(pool.run), Call(SLEEP, (0.4,)))
        assert block_on(pool.run(Call(PROCESS)))
        assert sleeping.result(5)
        sleeping = threads.submit(blocking(pool.run), Call(SLEEP, (10,)))
        while not sleeping.running():
            pass
        began = time.monotonic()
        with pytest.raises(PostgresUnavailable):
            block_on(pool.run(Call(SLEEP, (10,))))
        assert time.monotonic() - began < 1.5
        with pytest.raises(PostgresUnavailable):
            sleeping.result(5)


def test_a_slow_statement_ends_at_the_deadline_and_the_pool_lives(make_pool, administrator):
    pool = make_pool(size=1, timeout_seconds=0.3)
    began = time.monotonic()
    with pytest.raises(PostgresUnavailable):
        block_on(pool.run(Call(SLEEP, (10,))))
    assert time.monotonic() - began < 1.5
    assert block_on(pool.run(Call(PROCESS)))


def test_a_call_that_gives_up_ends_its_query_and_never_are_there_more_backends_than_the_size(
    make_pool, database_url, administrator
):
    pool, most, seen = make_pool(size=2, timeout_seconds=5.0), 0, 0
    with table_locked(database_url), ThreadPoolExecutor(4) as threads:
        giving_up = [threads.submit(give_up, pool, 0.1) for _ in range(24)]
        while not all(each.done() for each in giving_up):
            administrator.execute(
                "SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Lock') FROM pg_stat_activity"
                " WHERE application_name = 'overview' AND datname = current_database()"
            )
            ((backends, waiting),) = administrator.fetchall()
            most, seen = max(most, backends), max(seen, waiting)
    assert (most, seen) == (2, 2)
    assert block_on(pool.run(Call(PROCESS)))


def test_the_place_of_a_query_that_nobody_can_end_is_free_when_the_server_has_ended_it(proxy, postgres_server):
    pool = Postgres(postgres_server.url.replace(postgres_server.address, proxy.address), 1, 0.3)
    assert block_on(pool.run(Call(PROCESS)))
    proxy.black_hole()
    with pytest.raises(PostgresUnavailable):
        block_on(pool.run(Call(PROCESS)))
    proxy.heal()
    wait_until(lambda: ran(pool))
    pool.close()


def give_up(pool, seconds):
    with suppress(PostgresUnavailable), deadline.within(seconds):
        block_on(pool.run(Call(LOCKED)))


@contextmanager
def table_locked(url):
    with probes.query(url) as cursor:
        cursor.execute("CREATE TABLE locked (n int)")
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE locked")
        yield


def test_a_server_that_says_nothing_is_given_up_at_the_deadline(make_pool, black_hole):
    began = time.monotonic()
    with pytest.raises(PostgresUnavailable) as raised:
        block_on(make_pool(timeout_seconds=0.3, url=black_hole).run(Call(PROCESS)))
    assert time.monotonic() - began < 1.5
    assert "hunter2" not in str(raised.value)


def test_idle_connections_that_the_server_closed_are_not_used(make_pool, administrator):
    pool = make_pool(size=4)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: block_on(pool.run(Call(SLEEP, (0.1,)))), range(4)))
    administrator.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'overview' AND datname = current_database()"
    )
    assert all(block_on(pool.run(Call(PROCESS))) for _ in range(8))


def test_after_a_lost_connection_prepared_statements_are_made_again(make_pool, administrator):
    pool = make_pool(size=1)
    ((process,),) = block_on(pool.run(Call(PROCESS)))
    with ThreadPoolExecutor(1) as threads:
        sleeping = threads.submit(blocking(pool.run), Call(SLEEP, (10,)))
        ended = False
        while not ended:
            administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            ended = bool(administrator.fetchall())
        with pytest.raises(PostgresUnavailable):
            sleeping.result(5)
    assert block_on(pool.run(Call(PROCESS))) != [(process,)]


def test_a_mistake_in_sql_is_not_taken_for_an_outage(make_pool):
    pool = make_pool(size=1)
    with pytest.raises(psycopg2.errors.DivisionByZero):
        block_on(pool.run(Call(DIVIDE, (0,))))
    assert block_on(pool.run(Call(DIVIDE, (1,)))) == [(1,)]


def test_a_listener_returns_when_it_is_told_something(database_url, administrator):
    listener = Listener(database_url, "catalogue", 5.0)
    listener.wait(0)  # connects
    began = time.monotonic()
    listener.wait(0.05)
    assert time.monotonic() - began >= 0.04
    administrator.execute("NOTIFY catalogue")
    began = time.monotonic()
    listener.wait(10)
    assert time.monotonic() - began < 5
    listener.close()


def test_a_listener_that_lost_its_connection_makes_a_new_one(database_url, administrator):
    listener = Listener(database_url, "catalogue", 5.0)
    listener.wait(0)
    administrator.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'overview catalogue'"
    )
    listener.wait(5)  # the server's last words
    with pytest.raises(PostgresUnavailable):
        listener.wait(5)
    listener.wait(0)
    administrator.execute("NOTIFY catalogue")
    listener.wait(10)
    listener.close()
