"""Whoever changes the catalogue: its version rises and the outbox tells, in the same transaction."""

import threading

import psycopg2
import pytest

from deploy.local import probes
from tests.chaos.waits import wait_until

ROWS = """
INSERT INTO products VALUES (1, 'One', '', '', '', 5), (2, 'Two', '', '', '', 5), (3, 'Three', '', '', '', 5);
INSERT INTO features VALUES (1, 1, 'Feature', NULL);
INSERT INTO styles VALUES (10, 1, 'Style', 5, NULL, true), (20, 2, 'Style', 5, NULL, true);
INSERT INTO photos VALUES (1, 10, 'u', 't');
INSERT INTO skus VALUES (1, 10, 'M', 5), (2, 20, 'M', 5);
INSERT INTO related_products VALUES (1, 1, 2);
DELETE FROM catalogue_outbox;
CREATE VIEW told AS
SELECT id, product_id, version FROM catalogue_outbox, unnest(product_ids, versions) AS of (product_id, version);
"""


@pytest.fixture
def connect(database_url):
    opened = []

    def connect():
        opened.append(psycopg2.connect(database_url))
        return opened[-1]

    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(ROWS)
    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def run(connect):
    connection = connect()
    connection.autocommit = True

    def run(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    return run


CHANGES = {
    "UPDATE products SET name = 'New' WHERE id = 1": {1},
    "UPDATE products SET default_price = 6": {1, 2, 3},
    "INSERT INTO products VALUES (4, 'Four', '', '', '', 5)": {4},
    "DELETE FROM products WHERE id = 3": {3},
    "UPDATE products SET id = 5 WHERE id = 3": {3, 5},
    "DELETE FROM products WHERE id = 1": {1},
    "UPDATE features SET value = 'x'": {1},
    "INSERT INTO features VALUES (2, 3, 'Feature', 'x'), (3, 2, 'Feature', 'x')": {2, 3},
    "DELETE FROM features": {1},
    "UPDATE features SET product_id = 2": {1, 2},
    "UPDATE styles SET original_price = 9 WHERE id = 20": {2},
    "UPDATE styles SET product_id = 3 WHERE id = 20": {2, 3},
    "DELETE FROM styles WHERE id = 10": {1},
    "INSERT INTO styles VALUES (30, 3, 'Style', 5, NULL, true)": {3},
    "UPDATE photos SET url = 'x'": {1},
    "UPDATE photos SET style_id = 20": {1, 2},
    "DELETE FROM photos": {1},
    "INSERT INTO photos VALUES (2, 20, 'u', 't')": {2},
    "UPDATE skus SET quantity = 0": {1, 2},
    "DELETE FROM skus WHERE id = 2": {2},
    "INSERT INTO skus VALUES (3, 20, 'L', 5)": {2},
    "UPDATE related_products SET related_product_id = 3": {1},
    "DELETE FROM related_products": {1},
    "INSERT INTO related_products VALUES (2, 2, 1)": {2},
    "UPDATE skus SET quantity = 0 WHERE id = 99": set(),
    "DELETE FROM products WHERE id = 99": set(),
}


@pytest.mark.parametrize("role", ["origin", "replica"])  # which is that of a session that applies replication
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_raises_the_versions_of_its_products_and_no_others(run, change, role):
    run(f"SET session_replication_role = {role}")
    before = dict(run("SELECT id, version FROM products"))
    run(change)
    after = dict(run("SELECT id, version FROM products"))
    told = dict(run("SELECT product_id, max(version) FROM told GROUP BY product_id"))
    assert set(told) == CHANGES[change]
    for product_id, version in told.items():
        assert version > max(before.values())
        assert after.get(product_id, version) == version
    assert all(after[product_id] == before[product_id] for product_id in after.keys() - told.keys())
    epochs = run("SELECT DISTINCT epoch = catalogue_epoch() FROM catalogue_outbox")
    assert epochs in ([(True,)], [])


def test_versions_rise_through_delete_and_insert(run):
    run("DELETE FROM products WHERE id = 3")
    run("INSERT INTO products VALUES (3, 'Back', '', '', '', 5)")
    versions = [version for (version,) in run("SELECT version FROM told WHERE product_id = 3 ORDER BY id")]
    assert versions == sorted(set(versions))
    assert run("SELECT version FROM products WHERE id = 3") == [(versions[-1],)]


def test_a_version_cannot_be_chosen(run):
    ((before,),) = run("SELECT version FROM products WHERE id = 1")
    run("UPDATE products SET version = 0 WHERE id = 1")
    assert run("SELECT version FROM products WHERE id = 1") > [(before,)]


def test_a_rolled_back_change_was_none(connect, run):
    connection = connect()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE skus SET quantity = 0")
    connection.rollback()
    assert run("SELECT * FROM catalogue_outbox") == []


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("table", ["products", "features", "styles", "photos", "skus", "related_products"])
def test_truncate_raises_the_epoch(run, table, role):
    run(f"SET session_replication_role = {role}")
    ((before,),) = run("SELECT catalogue_epoch()")
    run(f"TRUNCATE {table} CASCADE")
    assert run("SELECT catalogue_epoch()") > [(before,)]


def test_versions_rise_in_the_order_of_commits(connect, run):
    first = connect()
    with first.cursor() as cursor:
        cursor.execute("UPDATE skus SET quantity = 1 WHERE id = 1")
    waiting = threading.Thread(target=run, args=("UPDATE photos SET url = 'second' WHERE id = 1",))
    waiting.start()
    watch = connect()
    watch.autocommit = True
    with watch.cursor() as cursor:
        while True:  # until the second waits for the row that the first has locked
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone() == (1,):
                break
    first.commit()
    waiting.join(10)
    versions = [version for (version,) in run("SELECT version FROM told ORDER BY id")]
    assert len(versions) == 2
    assert run("SELECT version FROM products WHERE id = 1") == [(max(versions),)]
    assert versions[0] < versions[1]


def test_two_bulk_changes_of_the_same_products_do_not_deadlock(connect):
    errors = []

    def change(sql):
        connection = connect()
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                for _ in range(50):
                    cursor.execute(sql)
        except psycopg2.Error as error:
            errors.append(error)

    changes = ["UPDATE skus SET quantity = quantity + 1", "UPDATE styles SET original_price = original_price + 1"]
    threads = [threading.Thread(target=change, args=(sql,)) for sql in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert errors == []


def test_a_row_of_the_outbox_has_up_to_a_thousand_products(run):
    run("INSERT INTO products SELECT n, '', '', '', '', 1 FROM generate_series(1001, 3100) AS n")
    run("UPDATE products SET name = 'New' WHERE id > 1000")
    rows = run("SELECT product_ids, versions FROM catalogue_outbox ORDER BY id")
    assert [len(product_ids) for product_ids, _ in rows] == [1000, 1000, 100] * 2
    assert [product_id for product_ids, _ in rows[3:] for product_id in product_ids] == list(range(1001, 3101))
    versions = dict(run("SELECT id, version FROM products"))
    assert all(versions[number] == version for row in rows[3:] for number, version in zip(*row, strict=True))


FEW = (
    "INSERT INTO styles SELECT id, id, '', 1, 1, true FROM products WHERE id BETWEEN 1001 AND 1009",
    "UPDATE products SET name = 'New' WHERE id BETWEEN 1001 AND 1009",
    "UPDATE styles SET original_price = 2 WHERE id BETWEEN 1001 AND 1009",
)
MANY = (
    "INSERT INTO styles SELECT id, id, '', 1, 1, true FROM products WHERE id > 1009",
    "UPDATE products SET name = 'New' WHERE id > 1000",
    "UPDATE styles SET original_price = 2 WHERE id > 1000",
)


@pytest.mark.parametrize("changes", [FEW + MANY, MANY + FEW], ids=["few first", "many first"])
def test_a_change_costs_what_its_rows_cost_whatever_the_session_changed_first(run, changes):
    """Plans of triggers are kept for a session: one made for few rows must do for many, and the other way round."""
    run("SET work_mem = '64kB'")  # so that 30,000 rows are many
    run("SET statement_timeout = '8s'")  # which ends what compares each row with each
    run("INSERT INTO products SELECT n, '', '', '', '', 1 FROM generate_series(1001, 31000) AS n")
    for change in changes:
        run(change)


@pytest.mark.parametrize("change", [change for change in CHANGES if "products " in change])
def test_products_are_counted_where_replication_is_applied(run, change):
    run("SET session_replication_role = replica")
    run(change)
    counted = (
        "SELECT bits, block, sum(products) FROM product_blocks GROUP BY 1, 2 HAVING sum(products) <> 0 ORDER BY 1, 2"
    )
    of_ids = "SELECT * FROM product_blocks_of(ARRAY(SELECT id FROM products)) ORDER BY 1, 2"
    assert run(counted) == run(of_ids)
    run("TRUNCATE products CASCADE")
    assert run("TABLE product_blocks") == []


@pytest.fixture
def subscribed(run, new_database, postgres_server):
    """Runs a statement in a database whose products and skus this one subscribes to."""
    upstream = new_database()
    with probes.query(upstream) as cursor:
        cursor.execute(
            "CREATE TABLE products (id int PRIMARY KEY, name text, slogan text, description text, category text,"
            " default_price int);"
            "CREATE TABLE skus (id int PRIMARY KEY, style_id int, size text, quantity int);"
            "INSERT INTO products VALUES (1, 'One', '', '', '', 5); INSERT INTO skus VALUES (1, 10, 'M', 5);"
            "CREATE PUBLICATION catalogue FOR TABLE products, skus;"
        )
        cursor.execute("SELECT pg_create_logical_replication_slot('catalogue', 'pgoutput')")
        run(
            f"CREATE SUBSCRIPTION catalogue CONNECTION '{upstream}' PUBLICATION catalogue"
            " WITH (create_slot = false, copy_data = false)"
        )

        yield cursor.execute
    run("ALTER SUBSCRIPTION catalogue DISABLE")
    run("ALTER SUBSCRIPTION catalogue SET (slot_name = NONE)")
    run("DROP SUBSCRIPTION catalogue")
    with probes.query(postgres_server.url) as cursor:
        cursor.execute(f'DROP DATABASE "{upstream.rpartition("/")[2]}" WITH (FORCE)')


def test_a_catalogue_that_arrives_by_logical_replication_tells_of_its_changes(subscribed, run):
    for change, product_id in (
        ("UPDATE products SET name = 'New' WHERE id = 1", 1),
        ("UPDATE skus SET quantity = 0 WHERE id = 1", 1),
        ("INSERT INTO products VALUES (7, 'Seven', '', '', '', 5)", 7),
        ("DELETE FROM products WHERE id = 7", 7),
    ):
        run("DELETE FROM catalogue_outbox")
        subscribed(change)
        wait_until(lambda told=(product_id,): run("SELECT DISTINCT product_id FROM told") == [told])
    assert run("SELECT name, version > 3 FROM products WHERE id = 1") == [("New", True)]
    ((epoch,),) = run("SELECT catalogue_epoch()")
    subscribed("TRUNCATE skus")
    wait_until(lambda: run("SELECT catalogue_epoch()") > [(epoch,)])
