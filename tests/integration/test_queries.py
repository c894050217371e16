"""Every query by its plan: at any size of the catalogue it reads by index what it was asked for and nothing else."""

import json
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from deploy.local import probes
from service import sweeper
from service.cart import additions, carts
from service.catalogue import database
from service.postgres import SESSION, Call, options
from service.postgres.statement import text_of

IDS = [7, 1500, 2999, 4_000_000]
CART = str(uuid4())
VALUES = {
    **dict.fromkeys(database.DOCUMENTS.values(), (IDS,)),
    database.PAGE_IDS: (5, 40),
    database.IDS_AFTER: (5, 40),
    database.OUTBOX_ROWS: (10, 0),
    database.OUTBOX_DONE: ([1, 2, 3],),
    database.OUTBOX_SPAN: (),
    database.OUTBOX_LAG: (),
    database.OUTBOX_STATE: (1000,),
    database.ADOPT: (0, 0),
    database.REPLAYED: (0, 0),
    database.NOTIFY: (),
    additions.LOCK_TIMEOUT: ("250ms",),
    additions.CLAIM_KEYS: ([CART, CART], ["a key", None]),
    additions.LOCK_CARTS: ([CART], [3]),
    additions.ADD_LINES: ([CART, CART], [3, 4], [1, 2], ["a key", None], 100, 99),
    additions.REMEMBER_REFUSALS: ([CART], ["a key"], [3], [1], ["unknown-sku"]),
    carts.SET_LINE: (CART, 3, 7, 100, 99),
    carts.TOUCH_CART: (CART,),
    carts.REMOVE_LINE: (CART, 3),
    carts.CLEAR_CART: (CART,),
    carts.LOCK_BOTH: ([CART, str(uuid4())],),
    carts.MERGE_CARTS: (CART, str(uuid4()), 100, 99),
    carts.CART: (CART,),
    carts.PRICED_CART: (CART,),
}
# Of rows by the time at which they were written, each with the index that finds them.
SWEEPS = {
    sweeper.SWEEP_CARTS: ((30, 500), "carts_touched_at"),
    sweeper.SWEEP_KEYS: ((500,), "cart_keys_added_at"),
}
CATALOGUE_AND_CARTS = {
    "products", "features", "styles", "photos", "skus", "related_products", "carts", "cart_lines", "cart_keys",
    "catalogue_outbox", "product_blocks",
}  # fmt: skip


@pytest.fixture(scope="module")
def many_products_url(new_database, migrated_template):
    """A large catalogue, for tests that take their changes back."""
    url = new_database(migrated_template)
    with probes.query(url) as cursor:
        cursor.execute(Path(__file__).with_name("many_products.sql").read_text())
    return url


@pytest.fixture
def planner(many_products_url):
    connection = psycopg2.connect(many_products_url, options=options(SESSION))
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def test_each_query_file_is_known_here():
    files = {path.stem for package in ("catalogue", "cart") for path in Path("service", package, "sql").glob("*.sql")}
    assert files == {statement.name for statement in (*VALUES, *SWEEPS)}


def test_every_query_reads_by_index_only(planner):
    for statement, values in VALUES.items():
        planner.execute(f"PREPARE {statement.name} AS {statement.sql}")
        text, adapted = text_of([Call(statement, values)])
        planner.execute(f"EXPLAIN (FORMAT JSON) {text}", adapted)
        ((plan,),) = planner.fetchall()
        plan = plan if isinstance(plan, list) else json.loads(plan)
        scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") in CATALOGUE_AND_CARTS]
        by_index = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan", "ModifyTable")
        others = [node for node in scans if node["Node Type"] not in by_index]
        assert others == [], statement.name


@pytest.mark.parametrize("old", [0, 1000])
def test_what_is_swept_is_found_by_time(planner, old):
    """Among 200,000 rows in the order of time, as they are written."""
    planner.execute("TRUNCATE carts, cart_keys")
    planner.execute(
        "WITH made AS (SELECT n, now() - make_interval(days => CASE WHEN n <= %s THEN 31 ELSE 0 END) AS made_at "
        "FROM generate_series(1, 200000) n ORDER BY n), "
        "keys AS (INSERT INTO cart_keys SELECT gen_random_uuid(), n, 3, 1, 'added', made_at FROM made) "
        "INSERT INTO carts SELECT gen_random_uuid(), made_at FROM made",
        (old,),
    )
    planner.execute("SELECT brin_summarize_new_values(index) FROM unnest(%s::regclass[]) index", (_indexes(),))
    planner.execute("ANALYZE")
    for statement, (values, index) in SWEEPS.items():
        planner.execute(f"PREPARE {statement.name} AS {statement.sql}")
        text, adapted = text_of([Call(statement, values)])
        planner.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", adapted)
        ((plan,),) = planner.fetchall()
        scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") in CATALOGUE_AND_CARTS]
        assert "Seq Scan" not in [node["Node Type"] for node in scans]
        (by_time,) = (node for node in scans if node.get("Plans", [{}])[0].get("Index Name") == index)
        assert by_time["Actual Rows"] == min(old, 500)
        assert by_time["Rows Removed by Index Recheck"] == 0
        assert by_time["Lossy Heap Blocks"] < 8


def _indexes():
    return [index for _, index in SWEEPS.values()]


def test_documents_read_no_more_rows_than_they_show(planner):
    for kind, statement in database.DOCUMENTS.items():
        planner.execute(f"PREPARE {kind} AS {statement.sql}")
        planner.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {kind}(%s)", (IDS,))
        ((plan,),) = planner.fetchall()
        scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") in CATALOGUE_AND_CARTS]
        assert scans
        assert sum(node.get("Rows Removed by Filter", 0) for node in scans) == 0, kind


def test_a_page_anywhere_reads_few_rows(planner):
    planner.execute(f"PREPARE page_ids AS {database.PAGE_IDS.sql}")
    for offset in (0, 1000, 2998, 3000, 3500, 4999, 5000, 2**31):
        planner.execute("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page_ids(6, %s)", (offset,))
        ((plan,),) = planner.fetchall()
        scans = [node for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") in CATALOGUE_AND_CARTS]
        read = {node["Relation Name"]: node["Actual Rows"] * node["Actual Loops"] for node in scans}
        assert read["products"] <= 256 + 6
        assert read["product_blocks"] <= 5 * 32
        assert plan[0]["Plan"]["Actual Rows"] == max(0, min(6, 5000 - offset))
