"""``make pooler``: instances, invalidator and carts with pgbouncer in front of Postgres, in transaction mode.

Not one of ``make test``: it needs ``pgbouncer`` (Debian: apt-get install pgbouncer).
"""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import psycopg2
import pytest

from deploy.local import probes
from deploy.local.instances import Instance
from service import invalidator
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.postgres import Call, Postgres, Statement
from service.settings import Settings
from tests.chaos.waits import wait_until
from tests.integration.requests import Reply, ask
from tests.worker.pgbouncer import PgBouncer

CONNECTIONS = 3
SLEEP = Statement("sleep", "SELECT pg_sleep($1::float)")
PROCESS = Statement("process", "SELECT pg_backend_pid(), current_setting('statement_timeout'), pg_sleep(0.01)")
COUNT = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"""
READS = ["", "/styles", "/related", "/page"]


@pytest.fixture(scope="module")
def pgbouncer(server_root: Path, free_port: Callable[[str], int], given: dict[str, str]) -> Iterator[PgBouncer]:
    root = Path(mkdtemp(prefix="pgbouncer-", dir=server_root))
    root.chmod(0o755)
    server = PgBouncer(root, free_port("pgbouncer"), given["DATABASE_URL"], CONNECTIONS)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def through(pgbouncer: PgBouncer, given: dict[str, str]) -> dict[str, str]:
    return {"DATABASE_URL": pgbouncer.url(given["DATABASE_URL"]), "POSTGRES_POOLER": "on"}


@pytest.fixture(scope="module")
def instance(launch: Callable[..., Instance], through: dict[str, str]) -> Instance:
    return launch(**through)


def write(instance: Instance, method: str, path: str, body: dict[str, int], **headers: str) -> Reply:
    return ask(instance, path, method, json.dumps(body).encode(), Content_Type="application/json", **headers)


def add(instance: Instance, sku: int, **headers: str) -> Reply:
    return write(instance, "POST", "/cart", {"sku_id": sku}, **headers)


def test_reads_are_the_same_with_it_as_without(instance, launch, given):
    paths = [f"/products/{number}{suffix}" for number in (1, 7, 41, 60, 61) for suffix in READS]
    paths += ["/products?count=20", "/products?page=2", "/products?after=30&count=3", "/products?ids=3,1,2"]

    def read(of: Instance) -> list[tuple[int, bytes]]:
        with probes.client(given["REDIS_URL"]) as client:
            client.flushdb()
        replies = [ask(of, path) for path in paths]
        return [(reply.status, reply.body) for reply in replies]

    assert read(instance) == read(launch())


def test_carts_are_written_and_read_through_it(instance):
    token = add(instance, 7).headers["X-Cart-Token"]
    with ThreadPoolExecutor(8) as threads:
        added = threads.map(lambda sku: add(instance, sku, X_Cart_Token=token).status, range(1, 41))
        assert set(added) == {201}
    assert [add(instance, 7, X_Cart_Token=token, Idempotency_Key="once").status for _ in range(3)] == [201] * 3
    assert write(instance, "PUT", "/cart/8", {"count": 5}, X_Cart_Token=token).status == 204
    assert add(instance, 4711, X_Cart_Token=token).status == 422
    lines = json.loads(ask(instance, "/cart", X_Cart_Token=token).body)
    assert [line["sku_id"] for line in lines] == list(range(1, 41))
    assert {line["sku_id"]: line["count"] for line in lines if line["count"] > 1} == {7: 3, 8: 5}
    assert ask(instance, "/cart/lines", X_Cart_Token=token).status == 200


def test_more_clients_than_connections_share_them_and_settings_end_with_the_transaction(through):
    pools = [Postgres(through["DATABASE_URL"], 2, 5.0, is_pooled=True) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        ran = list(threads.map(lambda n: block_on(pools[n % 4].run(Call(PROCESS)))[0], range(80)))
    assert len({process for process, *_ in ran}) <= CONNECTIONS
    assert {setting for _, setting, _ in ran} == {b"5s"}
    with closing(psycopg2.connect(through["DATABASE_URL"])) as plain, plain.cursor() as cursor:
        cursor.execute("SELECT current_setting('statement_timeout'), current_setting('enable_seqscan')")
        assert cursor.fetchall() == [("0", "on")]
    for pool in pools:
        pool.close()


def test_a_query_ends_with_its_deadline_and_its_connection_is_free_again(through, given):
    pool = Postgres(through["DATABASE_URL"], CONNECTIONS, 0.5, is_pooled=True)

    def late(_: int) -> bool:
        try:
            block_on(pool.run(Call(SLEEP, (20.0,))))
        except PostgresUnavailable:
            return True
        return False

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        assert all(threads.map(late, range(CONNECTIONS)))

    def active() -> int:
        with closing(psycopg2.connect(given["DATABASE_URL"])) as direct, direct.cursor() as cursor:
            cursor.execute(COUNT)
            return cursor.fetchone()[0]

    wait_until(lambda: active() == 0)
    other = Postgres(through["DATABASE_URL"], 1, 2.0, is_pooled=True)
    assert len(block_on(other.run(Call(PROCESS)))) == 1
    other.close()
    pool.close()


def test_an_instance_goes_on_after_pgbouncer_was_restarted(instance, pgbouncer):
    pgbouncer.stop()
    assert ask(instance, "/products?page=3").status == 503
    pgbouncer.start()
    wait_until(lambda: ask(instance, "/products?page=3").status == 200)


def test_the_invalidator_looks_once_a_second_where_notifications_do_not_come_through(instance, through, given):
    stop = threading.Event()
    settings = Settings.from_env({**given, **through})
    running = threading.Thread(target=invalidator.run, args=(settings, stop))
    running.start()
    try:
        assert b"renamed" not in ask(instance, "/products/5").body
        with closing(psycopg2.connect(given["DATABASE_URL"])) as direct, direct, direct.cursor() as cursor:
            cursor.execute("UPDATE products SET name = 'renamed' WHERE id = 5")
        wait_until(lambda: b"renamed" in ask(instance, "/products/5").body)
    finally:
        stop.set()
        running.join()
