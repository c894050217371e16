"""Pages of the list find their place by the counts of product_blocks: always where OFFSET would find it."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ

from migrations import runner
from service.catalogue.database import PAGE_IDS, DatabaseCatalogue
from service.coroutines import block_on
from service.postgres import Postgres
from tests import catalogue_files
from tests.integration.databases import query
from tests.integration.loads import run

INSERT = "INSERT INTO products SELECT id, '', '', '', '', 0 FROM unnest(%s::int[]) AS id ON CONFLICT DO NOTHING"
UPSERT = INSERT.replace("DO NOTHING", "(id) DO UPDATE SET name = 'again'")
DELETE = "DELETE FROM products WHERE id = ANY (%s::int[])"
MOVE = "UPDATE products SET id = %s WHERE id = %s AND NOT EXISTS (SELECT FROM products WHERE id = %s)"
SHIFT = """
    UPDATE products SET id = id + 1000000000
    WHERE id < 1000000000 AND NOT EXISTS (SELECT FROM products AS there WHERE there.id = products.id + 1000000000)
"""
# Rows of one block that cancel each other out are as good as none.
WRONG_COUNTS = """
    SELECT bits, block, sum(products) AS products FROM product_blocks GROUP BY bits, block HAVING sum(products) <> 0
    EXCEPT SELECT * FROM product_blocks_of(ARRAY(SELECT id FROM products))
    UNION ALL (
        SELECT * FROM product_blocks_of(ARRAY(SELECT id FROM products))
        EXCEPT SELECT bits, block, sum(products) FROM product_blocks GROUP BY bits, block)"""

# Most of them close to a border between two blocks of some size.
IDS = st.one_of(
    st.builds(lambda bits, away: (1 << bits) + away, st.integers(8, 30), st.integers(-2, 2)),
    st.integers(1, 600),
    st.integers(1, 2**31 - 1),
    st.just(2**31 - 1),
)
MANY = st.lists(IDS, max_size=20, unique=True)
CHANGE = st.one_of(
    st.tuples(st.sampled_from([INSERT, UPSERT, DELETE]), st.tuples(MANY)),
    st.builds(lambda old, new: (MOVE, (new, old, new)), IDS, IDS),
    st.builds(lambda first, n: (INSERT, (list(range(first, first + n)),)), st.integers(1, 10**6), st.integers(0, 700)),
    st.sampled_from([(SHIFT, ()), ("TRUNCATE products CASCADE", ()), ("UPDATE products SET name = 'new'", ())]),
)


@pytest.fixture(scope="module")
def shared_url(new_database, migrated_template):
    return new_database(migrated_template)


@pytest.fixture(scope="module")
def pages(shared_url):
    pool = Postgres(shared_url, 1, 20.0)
    yield DatabaseCatalogue(pool)
    pool.close()


@pytest.fixture
def connect(database_url):
    opened = []

    def connect():
        opened.append(psycopg2.connect(database_url))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def do(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []


def page(connection, count, offset):
    with connection.cursor() as cursor:
        cursor.execute(PAGE_IDS.sql.replace("$1", "%(count)s").replace("$2", "%(offset)s"), locals())
        return cursor.fetchall()


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kept=st.lists(st.lists(CHANGE, max_size=4), max_size=6),
    undone=st.lists(CHANGE, max_size=3),
    count=st.integers(1, 100),
    chance=st.randoms(use_true_random=False),
)
def test_every_page_is_where_offset_finds_it(shared_url, pages, kept, undone, count, chance):
    with closing(psycopg2.connect(shared_url)) as connection:
        do(connection, "DELETE FROM products")
        connection.commit()
        for transaction in kept:
            for sql, values in transaction:
                do(connection, sql, *values)
                do(connection, "SAVEPOINT here")
                for undone_sql, undone_values in undone:
                    do(connection, undone_sql, *undone_values)
                do(connection, "ROLLBACK TO SAVEPOINT here")
            connection.commit()
        assert do(connection, WRONG_COUNTS) == []
        ids = [row[0] for row in do(connection, "SELECT id FROM products ORDER BY id")]
    last = -(-len(ids) // count) + 1
    for number in {1, last, last + 1, *(chance.randint(1, last) for _ in range(8))}:
        begin = (number - 1) * count
        assert block_on(pages.ids_on_page(number, count, count)) == (
            ids[begin : begin + count],
            len(ids) > begin + count,
        )


def write(connection, number):
    """Changes of products that are this writer's own, in blocks that are not."""
    chance, own = random.Random(number), [block * 256 + number for block in range(0, 200, 7)]
    for _ in range(40):
        for sql in chance.sample([INSERT, DELETE, UPSERT], 2):
            do(connection, sql, chance.sample(own, 5))
        chance.choice([connection.commit, connection.commit, connection.rollback])()


def read(connection, stop):
    """Pages, and what OFFSET finds in the same snapshot."""
    connection.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)
    while not stop.is_set():
        offset = random.randrange(130)
        assert page(connection, 5, offset) == do(
            connection, "SELECT id FROM products ORDER BY id OFFSET %s LIMIT 5", offset
        )
        assert do(connection, WRONG_COUNTS) == []
        connection.rollback()


def test_writers_at_once_leave_the_right_counts_and_readers_see_none_between(connect, database_url):
    stop = threading.Event()
    with ThreadPoolExecutor(5) as threads:
        reader = threads.submit(read, connect(), stop)
        writers = [threads.submit(write, connect(), number) for number in range(1, 5)]
        try:
            for writer in writers:
                writer.result(60)
        finally:
            stop.set()
        reader.result(20)
    assert query(database_url, WRONG_COUNTS) == []
    assert query(database_url, "SELECT count(*) FROM products") > [(0,)]


def test_who_adds_a_product_waits_for_nobody_who_adds_another(connect):
    first, second = connect(), connect()
    do(first, INSERT, [1])
    first.commit()
    do(first, INSERT, [2])
    do(second, "SET statement_timeout = '10s'")
    do(second, INSERT, [3])
    do(second, DELETE, [1])
    second.commit()
    first.rollback()
    assert do(first, WRONG_COUNTS) == []
    assert page(first, 5, 0) == [(3,)]


def test_blocks_take_no_row_more_when_writers_follow_each_other(connect):
    connection = connect()
    for number in range(1, 50):
        do(connection, INSERT, [number])
        do(connection, DELETE, [number - 1])
        connection.commit()
    assert do(connection, "SELECT bits, products FROM product_blocks ORDER BY bits") == [
        (bits, 1) for bits in (8, 13, 18, 23, 28)
    ]


def test_truncate_forgets_also_what_its_snapshot_does_not_see(connect):
    old, other = connect(), connect()
    old.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)
    do(old, "SELECT")
    do(other, INSERT, [7])
    other.commit()
    do(old, "TRUNCATE products CASCADE")
    old.commit()
    assert do(other, WRONG_COUNTS) == []


def test_a_page_reads_while_a_writer_has_not_finished(connect):
    writer, reader = connect(), connect()
    do(writer, INSERT, list(range(1, 1000)))
    writer.commit()
    do(writer, DELETE, list(range(1, 500)))
    do(reader, "SET statement_timeout = '10s'")
    assert page(reader, 2, 600) == [(601,), (602,)]
    reader.rollback()
    writer.commit()
    assert page(reader, 2, 400) == [(900,), (901,)]


def many(first, last):
    header, *_ = catalogue_files.FILES["product.csv"].splitlines()
    return "\n".join([header, *(f'{n},"N","","","C",1' for n in range(first, last))])


def childless(products):
    headers = {name: text.partition("\n")[0] for name, text in catalogue_files.FILES.items()}
    return headers | {"product.csv": products}


@contextmanager
def reading(url):
    """The sixth page, over and over, beside the body."""
    seen, stop, pool = set(), threading.Event(), Postgres(url, 1, 20.0)

    def read():
        while not stop.is_set():
            seen.add(tuple(block_on(DatabaseCatalogue(pool).ids_on_page(6, 100, 100))[0]))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        stop.set()
        reader.join(20)
        pool.close()


def test_pages_are_of_one_catalogue_while_it_is_replaced(database_url, tmp_path):
    catalogues = [(1, 2000), (5000, 5600)]
    files = [catalogue_files.write(tmp_path / str(c[0]), childless(many(*c))) for c in catalogues]
    run(database_url, files[0])
    with reading(database_url) as seen:
        for number in (1, 0, 1):
            run(database_url, files[number])
    assert seen <= {tuple(range(501, 601)), tuple(range(5500, 5600))}
    assert query(database_url, WRONG_COUNTS) == []
    query(database_url, "DELETE FROM products WHERE id < 5300; INSERT INTO products VALUES (9, '', '', '', '', 1)")
    assert query(database_url, WRONG_COUNTS) == []


def test_a_snapshot_from_before_a_load_finds_the_new_products_with_their_counts(loaded_url, tmp_path, connect):
    old = connect()
    old.set_isolation_level(ISOLATION_LEVEL_REPEATABLE_READ)
    do(old, "SELECT")
    run(loaded_url, catalogue_files.write(tmp_path / "new", childless(many(5000, 5600))))
    assert page(old, 2, 300) == [(5300,), (5301,)]


def test_products_from_before_the_counts_are_counted(empty_database_url, tmp_path):
    for path in runner.DIRECTORY.glob("000[123]_*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    runner.migrate(empty_database_url, tmp_path)
    query(empty_database_url, "INSERT INTO products SELECT n * 77, '', '', '', '', 1 FROM generate_series(1, 999) n")
    runner.migrate(empty_database_url)
    assert query(empty_database_url, WRONG_COUNTS) == []
    assert query(empty_database_url, "SELECT sum(products) FROM product_blocks") == [(5 * 999,)]
