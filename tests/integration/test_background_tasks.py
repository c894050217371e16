"""Tasks of a second connection end with the work beside which they are done."""

import time

import pytest

from etl.background_tasks import background_tasks
from migrations.connection import connected
from tests.integration.databases import query

SECONDS = 20
SLEEPING = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'second' AND wait_event = 'PgSleep'"


@pytest.fixture
def second(database_url):
    with connected(database_url, application_name="second") as connection:
        yield connection


def run(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this never came"


def test_tasks_are_done_in_order(database_url, second):
    with background_tasks(second) as tasks:
        done = [
            tasks.add(lambda connection, sql=sql: run(connection, sql))
            for sql in ("CREATE TABLE a ()", "ALTER TABLE a RENAME TO b")
        ]
        assert [task.result() for task in done] == [None, None]
    assert query(database_url, "TABLE b") == []


def test_a_failure_is_raised_when_the_next_task_comes(second):
    def fail(_connection):
        raise ZeroDivisionError

    def add_another_when_it_has_failed():
        with background_tasks(second) as tasks:
            until(tasks.add(fail).done)
            tasks.add(fail)

    with pytest.raises(ZeroDivisionError):
        add_another_when_it_has_failed()


def test_an_interrupted_body_ends_what_runs_and_what_waits(database_url, second):
    started, ran = time.monotonic(), []

    def sleep_again_and_again(connection):
        for _ in range(3):
            run(connection, "SELECT pg_sleep(60)")

    def be_interrupted():
        with background_tasks(second) as tasks:
            tasks.add(sleep_again_and_again)
            tasks.add(ran.append)
            until(lambda: query(database_url, SLEEPING))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_interrupted()
    assert time.monotonic() - started < SECONDS
    assert ran == []
    assert query(database_url, SLEEPING) == []
