"""Old carts and idempotency keys go, what is in use stays, whatever else happens at that moment."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import uuid4

import psycopg2
import pytest

from deploy.local.instances import CHECKOUT
from service import sweeper
from service.cart.additions import LOCK_CARTS, Addition, Additions
from service.cart.carts import Carts
from service.coroutines import block_on
from service.metrics import Metrics
from service.settings import Settings
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.locks import is_waiting

DAYS = 30
OLD, YOUNG = "30 days 1 minute", "29 days 23 hours 59 minutes"


@pytest.fixture
def pool(make_pool, administrator):
    administrator.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
    administrator.execute("INSERT INTO styles VALUES (1, 1, 'Only', 5, NULL, true)")
    administrator.execute("INSERT INTO skus SELECT n, 1, 'M', 5 FROM generate_series(1, 40) n")
    return make_pool(4)


@pytest.fixture
def carts(pool):
    return Carts(pool, 100, 99)


@pytest.fixture
def add(pool):
    additions = Additions(pool, 100, 99, Metrics())

    def add(cart_id, sku_id, key=None):
        ((refusal, _),) = block_on(additions.add([Addition(cart_id, sku_id, 1, key)]))
        assert refusal is None

    return add


@pytest.fixture
def aged(add, administrator):
    """Makes a cart with sku 1 that was last used some time ago."""

    def aged(age):
        cart_id = uuid4()
        add(cart_id, 1)
        administrator.execute("UPDATE carts SET touched_at = now() - %s::interval WHERE id = %s", (age, str(cart_id)))
        return cart_id

    return aged


@pytest.fixture
def sweep(make_pool):
    pool = make_pool(1)
    return lambda: sweeper.sweep(pool, DAYS, threading.Event())


@pytest.fixture
def skus(carts):
    return lambda cart_id: [int(line.split(b",")[0]) for line in block_on(carts.contents(cart_id)).split(b":")[1::2]]


def count(administrator, table):
    administrator.execute(f"SELECT count(*) FROM {table}")  # noqa: S608
    return administrator.fetchone()[0]


def test_carts_that_nobody_changed_go_with_their_lines(aged, sweep, skus, administrator):
    old, young = aged(OLD), aged(YOUNG)
    sweep()
    assert (skus(old), skus(young)) == ([], [1])
    assert (count(administrator, "carts"), count(administrator, "cart_lines")) == (1, 1)


def test_keys_go_after_24_hours(add, sweep, administrator):
    cart_id = uuid4()
    for key, age in (("old", "24 hours 1 minute"), ("young", "23 hours 59 minutes")):
        add(cart_id, 1, key)
        administrator.execute("UPDATE cart_keys SET added_at = now() - %s::interval WHERE key = %s", (age, key))
    sweep()
    administrator.execute("SELECT key FROM cart_keys")
    assert administrator.fetchall() == [("young",)]


def test_all_that_is_old_goes_in_small_transactions(sweep, administrator):
    rows = 2 * sweeper.MOST_AT_ONCE + 1
    administrator.execute(
        "INSERT INTO carts SELECT gen_random_uuid(), now() - interval '31 days' FROM generate_series(1, %s)", (rows,)
    )
    administrator.execute("INSERT INTO cart_lines SELECT id, 1, 1 FROM carts")
    administrator.execute(
        "INSERT INTO cart_keys SELECT id, 'key', 1, 1, 'added', now() - interval '25 hours' FROM carts"
    )
    administrator.execute("CREATE TABLE together AS SELECT 0::bigint AS deleted")
    administrator.execute(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
        "UPDATE together SET deleted = greatest(deleted, (SELECT count(*) FROM gone)); RETURN NULL; END'"
    )
    for table in ("carts", "cart_keys"):
        administrator.execute(
            f"CREATE TRIGGER note AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone EXECUTE FUNCTION note()"
        )
    sweep()
    assert [count(administrator, table) for table in ("carts", "cart_lines", "cart_keys")] == [0, 0, 0]
    administrator.execute("SELECT deleted FROM together")
    assert administrator.fetchone() == (sweeper.MOST_AT_ONCE,)


def test_a_cart_that_is_being_added_to_is_left_alone(aged, sweep, skus, database_url):
    """The addition has locked the cart and is not through yet: sweeping neither waits for it nor deletes the cart."""
    cart_id = aged(OLD)
    with psycopg2.connect(database_url) as adding, adding.cursor() as cursor:
        cursor.execute(f"PREPARE lock_carts AS {LOCK_CARTS.sql}")
        cursor.execute("EXECUTE lock_carts(%s, '{2}')", (f"{{{cart_id}}}",))
        sweep()
        cursor.execute("INSERT INTO cart_lines VALUES (%s, 2, 1)", (str(cart_id),))
    adding.close()
    sweep()
    assert skus(cart_id) == [1, 2]


def test_an_addition_to_a_cart_that_is_being_deleted_makes_a_new_one(aged, add, skus, administrator, database_url):
    cart_id = aged(OLD)
    with ThreadPoolExecutor(1) as other, psycopg2.connect(database_url) as sweeping, sweeping.cursor() as cursor:
        cursor.execute(f"PREPARE sweep_carts AS {sweeper.SWEEP_CARTS.sql}")
        cursor.execute("EXECUTE sweep_carts(30, 500)")
        assert cursor.fetchone() == (1,)
        addition = other.submit(add, cart_id, 2)
        wait_until(lambda: is_waiting(administrator, "lock_carts"))
        sweeping.commit()
        addition.result(5)
    sweeping.close()
    assert skus(cart_id) == [2]
    assert count(administrator, "carts") == 1


def test_no_addition_is_lost_while_it_sweeps(aged, add, sweep, skus, administrator, monkeypatch):
    monkeypatch.setattr(sweeper, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(sweeper, "_PAUSE_SECONDS", 0)
    carts = [aged(OLD) for _ in range(300)]
    with ThreadPoolExecutor(3) as pool:
        sweeping = pool.submit(sweep)
        list(pool.map(lambda cart_id: add(cart_id, 2), carts[::-1]))
        sweeping.result()
    assert [held for cart_id in carts if (held := skus(cart_id)) not in ([2], [1, 2])] == []
    administrator.execute("SELECT count(DISTINCT id) FROM carts JOIN cart_lines ON cart_id = id")
    assert administrator.fetchone() == (len(carts),)


@pytest.mark.parametrize(
    "change",
    [
        lambda carts, cart_id: carts.set(cart_id, 1, 2),
        lambda carts, cart_id: carts.remove(cart_id, 2),
        lambda carts, cart_id: carts.merge(cart_id, uuid4()),
    ],
    ids=["set", "remove", "merge"],
)
def test_any_change_keeps_a_cart_and_reading_does_not(aged, carts, sweep, skus, change):
    changed, read = aged(OLD), aged(OLD)
    block_on(change(carts, changed))
    block_on(carts.priced(read))
    sweep()
    assert (skus(changed), skus(read)) == ([1], [])


def test_without_a_database_it_tries_again_and_says_so_once(
    aged, administrator, database_url, postgres_server, free_port, caplog, monkeypatch
):
    aged(OLD)
    attempts, sweep = [], sweeper.sweep
    monkeypatch.setattr(sweeper, "_PAUSE_AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(sweeper, "sweep", lambda *given: attempts.append(given) or sweep(*given))
    proxy = FaultProxy(free_port("a proxy before the sweeper"), postgres_server.address)
    settings = Settings(database_url.replace(postgres_server.address, proxy.address), "redis://unused", "s" * 32)
    with started(settings):
        wait_until(lambda: len(attempts) > 3)
        assert [record.message for record in caplog.records] == ["old carts and keys are kept"]
        proxy.start()
        try:
            wait_until(lambda: "deleted again" in caplog.text)
        finally:
            proxy.stop()
    assert count(administrator, "carts") == 0


@contextmanager
def started(settings):
    stop = threading.Event()
    thread = threading.Thread(target=sweeper.run, args=(settings, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_as_a_process_it_sweeps_and_ends_when_it_is_asked_to(aged, administrator, database_url):
    aged(OLD)
    environ = os.environ | {"DATABASE_URL": database_url, "REDIS_URL": "redis://unused", "CART_SECRET": "s" * 32}
    command = [sys.executable, "-m", "service.sweeper"]
    with subprocess.Popen(command, cwd=CHECKOUT, env=environ, stderr=subprocess.PIPE, text=True) as process:
        wait_until(lambda: count(administrator, "carts") == 0)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert '"message": "swept"' in said
