"""What others see of a load, and what they can do to it: readers, changes of structure, a second load, a kill."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from etl import swap
from etl.files import LoadError
from migrations.connection import DatabaseError
from tests import catalogue_files
from tests.catalogue_files import FILES, STORED
from tests.integration.databases import catalogue, query, structure
from tests.integration.loads import At, While, run, stored

CHECKOUT = Path(__file__).parents[2]
SECONDS = 20


@contextmanager
def session(url):
    with closing(psycopg2.connect(url, connect_timeout=10)) as connection, connection.cursor() as cursor:
        yield cursor


def until(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this never came"


# The style first, the product last: the other way round than they are locked for the swap.
READ = """SELECT count(*), min(products.name), (SELECT count(*) FROM skus), (SELECT catalogue_epoch())
    FROM styles JOIN skus ON style_id = styles.id JOIN products ON product_id = products.id WHERE products.id = 2"""
SMALL = FILES
LARGE = FILES | {
    "product.csv": FILES["product.csv"].replace("Kilt", "Skirt"),
    "skus.csv": FILES["skus.csv"] + "".join(f'\n{number},5,"M",1' for number in range(10, 500)),
}
READS = [(1, "Tin Kilt", 3), (491, "Tin Skirt", 493)]


class Reader(threading.Thread):
    """Reads for ever, or until there is an error; keeps what differed."""

    def __init__(self, url, first, then):
        super().__init__()
        self.url, self.first, self.then = url, first, then
        self.seen, self.ended, self.stop = set(), False, threading.Event()

    def run(self):
        with session(self.url) as cursor:
            cursor.connection.autocommit = True
            cursor.execute(self.first)
            while not self.stop.is_set():
                cursor.execute(self.then)
                self.seen.update(cursor.fetchall())
        self.ended = True

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.stop.set()
        self.join(SECONDS)


def test_readers_see_one_whole_catalogue_and_no_error(database_url, tmp_path):
    directories = [catalogue_files.write(tmp_path / str(n), files) for n, files in enumerate([SMALL, LARGE])]
    run(database_url, directories[0])
    prepare = f"SET plan_cache_mode = force_generic_plan; PREPARE read AS {READ}"
    with Reader(database_url, READ, READ) as plain, Reader(database_url, prepare, "EXECUTE read") as prepared:
        for load_number in range(1, 6):
            until(lambda: min(len(plain.seen), len(prepared.seen)) >= load_number)  # noqa: B023 - called in this round
            run(database_url, directories[load_number % 2])
    assert plain.ended
    assert prepared.ended
    epochs = [epoch for (epoch,) in query(database_url, "SELECT epoch FROM catalogue_loads ORDER BY epoch OFFSET 1")]
    assert plain.seen <= {(*READS[number % 2], epoch) for number, epoch in enumerate(epochs)}
    # A prepared statement that waits for the swap looks at catalogue_loads as it was before: new rows, old epoch.
    assert prepared.seen <= plain.seen | {
        (*READS[number % 2], epoch) for number, epoch in enumerate(epochs[:-1], start=1)
    }


def test_a_reader_in_the_way_is_waited_for(loaded_url, files, monkeypatch):
    with session(loaded_url) as reader:
        reader.execute("SELECT * FROM photos")
        monkeypatch.setattr(swap, "time", SimpleNamespace(sleep=lambda _seconds: reader.connection.rollback()))
        run(loaded_url, files)
    assert len(query(loaded_url, "TABLE catalogue_loads")) == 3


def test_a_reader_that_never_leaves_makes_the_load_fail(old_url, files, monkeypatch):
    monkeypatch.setattr(swap, "ATTEMPTS", 2)
    monkeypatch.setattr(swap, "PAUSE_SECONDS", 0)
    before = catalogue(old_url), structure(old_url)
    with session(old_url) as reader:
        reader.execute("SELECT * FROM photos")
        with pytest.raises(LoadError, match="keeps the tables in use"):
            run(old_url, files)
    assert (catalogue(old_url), structure(old_url)) == before


def test_a_change_of_structure_meanwhile_is_not_lost(loaded_url, files):
    before = catalogue(loaded_url)

    def change():
        query(loaded_url, "CREATE INDEX meanwhile ON products (category)")

    with pytest.raises(LoadError, match="were changed"):
        run(loaded_url, files, At("triggers", change))
    assert catalogue(loaded_url) == before
    assert ("index", "public.meanwhile") in structure(loaded_url)
    run(loaded_url, files)
    assert ("index", "public.meanwhile") in structure(loaded_url)


def test_only_one_load_runs(old_url, files):
    problems = []

    def second():
        with pytest.raises(LoadError) as refused:
            run(old_url, files)
        problems.append(str(refused.value))
        raise LoadError("enough")

    with pytest.raises(LoadError, match="enough"):
        run(old_url, files, At("photos.csv", second))
    assert problems == ["another load is running"]


@pytest.mark.parametrize(("when", "step"), [(While, "styles.csv"), (At, "styles.csv"), (At, "triggers")])
def test_a_lost_connection_is_an_error_and_the_next_load_works(loaded_url, files, when, step):
    def lose():
        query(loaded_url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'load'")

    before = catalogue(loaded_url)
    with pytest.raises(DatabaseError):
        run(loaded_url, files, when(step, lose))
    assert catalogue(loaded_url) == before
    run(loaded_url, files)
    assert stored(loaded_url) == STORED


def kill(process):
    process.send_signal(signal.SIGKILL)
    assert process.wait(SECONDS) == -signal.SIGKILL


def works_again(url, files):
    run(url, files)
    assert stored(url) == STORED
    assert ("schema", "loading") not in structure(url)


@pytest.mark.parametrize("step", ["product.csv", "photos.csv", "keys", "triggers"])
def test_a_load_that_is_killed_on_the_way_has_changed_nothing(loaded_url, files, step):
    before = catalogue(loaded_url)
    command = [sys.executable, "-m", "tests.integration.load_until", loaded_url, files, step]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        kill(process)
    assert catalogue(loaded_url) == before
    assert ("schema", "loading") in structure(loaded_url)
    works_again(loaded_url, files)


@contextmanager
def load_waiting_for_its_swap(url, files):
    waiting = """SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'load' AND NOT granted AND relation = 'skus'::regclass"""
    command, environ = [sys.executable, "-m", "etl", "load", files], os.environ | {"DATABASE_URL": url}
    with session(url) as reader:
        reader.execute("SELECT * FROM skus")
        with subprocess.Popen(command, cwd=CHECKOUT, env=environ, stderr=subprocess.PIPE, text=True) as process:
            until(lambda: query(url, waiting))
            yield process


def test_a_load_that_is_killed_in_its_swap_has_changed_nothing(loaded_url, files):
    before = catalogue(loaded_url)
    with load_waiting_for_its_swap(loaded_url, files) as process:
        kill(process)
    assert catalogue(loaded_url) == before
    works_again(loaded_url, files)


def test_ctrl_c_leaves_nothing_behind(loaded_url, files):
    before = catalogue(loaded_url), structure(loaded_url)
    with load_waiting_for_its_swap(loaded_url, files) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert process.stderr.read().splitlines()[-1] == "etl: interrupted"
    assert (catalogue(loaded_url), structure(loaded_url)) == before


def test_a_load_drops_invalidations_of_the_old_catalogue(loaded_url, files):
    def change():
        with session(loaded_url) as cursor:
            cursor.execute("UPDATE products SET name = 'Lost' WHERE id = 2")
            cursor.connection.commit()

    run(loaded_url, files, While("skus.csv", change))
    assert query(loaded_url, "SELECT count(*) FROM catalogue_outbox") == [(0,)]
    assert query(loaded_url, "SELECT name FROM products WHERE id = 2") == [("Tin Kilt",)]
