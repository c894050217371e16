"""Merges beside each other, beside additions and beside removals, by two instances."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from deploy.local import probes
from service.cart.additions import Addition, Additions
from service.cart.carts import Carts
from service.coroutines import block_on
from service.errors import TooManyLines
from service.metrics import Metrics
from service.postgres import Postgres
from tests.chaos.waits import wait_until
from tests.locks import is_waiting

SKUS = (9, 10, 37, 100, 911)
MOST_LINES = 5


@pytest.fixture
def instances(shared_database_url):
    """Two, with connections of their own: carts and additions of each."""
    pools = [Postgres(shared_database_url, 4, 5.0) for _ in range(2)]
    yield [(Carts(pool, MOST_LINES, 10_000), Additions(pool, MOST_LINES, 10_000, Metrics())) for pool in pools]
    for pool in pools:
        pool.close()


def add(additions, cart_id, *sku_ids):
    outcomes = block_on(additions.add([Addition(cart_id, sku_id, 1) for sku_id in sku_ids]))
    assert [refusal for refusal, _ in outcomes] == [None] * len(sku_ids)


def held(carts, cart_id):
    return {line["sku_id"]: line["count"] for line in json.loads(block_on(carts.contents(cart_id)))}


def at_once(*calls):
    """Call all of them in threads that wait for each other first; what they return."""
    gate = threading.Barrier(len(calls))

    def run(call):
        gate.wait(10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_two_merges_in_opposite_directions_leave_everything_in_one_cart(instances):
    (here, additions), (there, _) = instances
    for _ in range(30):
        one, other = uuid4(), uuid4()
        for cart_id in (one, other):
            add(additions, cart_id, *SKUS)
        at_once(partial(block_on, here.merge(one, other)), partial(block_on, there.merge(other, one)))
        assert sorted((held(here, one), held(here, other)), key=len) == [{}, dict.fromkeys(SKUS, 2)]


def test_beside_additions_to_both_carts_nothing_is_lost_or_doubled(instances):
    (here, additions), (there, other_additions) = instances
    one, other = uuid4(), uuid4()

    def merge_often():
        for _ in range(60):
            block_on(there.merge(one, other))

    def add_often(additions, cart_id):
        for sku_id in SKUS * 12:
            add(additions, cart_id, sku_id)

    at_once(merge_often, lambda: add_often(additions, one), lambda: add_often(other_additions, other))
    block_on(here.merge(one, other))
    assert held(here, one) == dict.fromkeys(SKUS, 24)


def test_merges_of_the_same_cart_at_once_move_its_lines_once(instances):
    (here, additions), (there, _) = instances
    for _ in range(20):
        other, callers = uuid4(), [uuid4(), uuid4()]
        add(additions, other, *SKUS)
        merges = [carts.merge(cart_id, other) for carts in (here, there) for cart_id in callers]
        at_once(*(partial(block_on, merge) for merge in merges))
        assert sorted((held(here, cart_id) for cart_id in callers), key=len) == [{}, dict.fromkeys(SKUS, 1)]


def test_of_two_carts_that_both_want_the_last_lines_one_is_refused(instances):
    (here, additions), (there, _) = instances
    for _ in range(20):
        own, others = uuid4(), [uuid4(), uuid4()]
        add(additions, own, 9, 10)
        add(additions, others[0], 37, 100, 911)
        add(additions, others[1], 901, 912)
        merges = here.merge(own, others[0]), there.merge(own, others[1])
        assert sorted(at_once(*(partial(_is_merged, merge) for merge in merges))) == [False, True]
        left = [held(here, other) for other in others]
        assert {} in left
        assert sum(len(each) for each in (held(here, own), *left)) == 7


def _is_merged(merge):
    try:
        block_on(merge)
    except TooManyLines:
        return False
    return True


def test_a_cart_merged_with_itself_is_kept(instances, shared_database_url):
    (carts, additions), _ = instances
    cart_id = uuid4()
    add(additions, cart_id, 9)
    block_on(carts.merge(cart_id, cart_id))
    with probes.query(shared_database_url) as cursor:
        cursor.execute("SELECT FROM carts WHERE id = %s", (str(cart_id),))
        assert cursor.rowcount == 1
    assert held(carts, cart_id) == {9: 1}


@pytest.mark.parametrize("way", [1, -1])
def test_it_locks_both_carts_in_the_order_of_their_ids(instances, shared_database_url, way):
    """As additions do. It waits for the second, which another session has locked."""
    (carts, additions), _ = instances
    first, second = ids = sorted((uuid4(), uuid4()))
    for cart_id in ids:
        add(additions, cart_id, 9)
    with ThreadPoolExecutor(1) as pool, probes.query(shared_database_url) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT FROM carts WHERE id = %s FOR UPDATE", (str(second),))
        merging = pool.submit(block_on, carts.merge(*ids[::way]))
        wait_until(lambda: is_waiting(cursor, "merge_carts"))
        cursor.execute("SELECT FROM carts WHERE id = %s FOR UPDATE SKIP LOCKED", (str(first),))
        assert cursor.rowcount == 0
        cursor.execute("COMMIT")
        merging.result(5)


def test_it_waits_for_an_addition_to_either_cart(instances, shared_database_url):
    (carts, additions), (there, _) = instances
    for locked in (0, 1):
        ids = [uuid4(), uuid4()]
        for cart_id in ids:
            add(additions, cart_id, 9)
        with ThreadPoolExecutor(1) as pool, probes.query(shared_database_url) as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT FROM carts WHERE id = %s FOR UPDATE", (str(ids[locked]),))
            merging = pool.submit(block_on, there.merge(*ids))
            wait_until(lambda: is_waiting(cursor, "merge_carts"))
            cursor.execute("INSERT INTO cart_lines VALUES (%s, 10, 1)", (str(ids[locked]),))
            cursor.execute("COMMIT")
            merging.result(5)
        assert held(carts, ids[0]) == {9: 2, 10: 1}


def test_a_line_that_is_removed_meanwhile_does_not_come_back(instances, shared_database_url):
    """Removing a line does not lock its cart."""
    (carts, additions), (there, _) = instances
    own, other = uuid4(), uuid4()
    add(additions, own, 9, 9, 9)
    add(additions, other, 9)
    with ThreadPoolExecutor(1) as pool, probes.query(shared_database_url) as cursor:
        cursor.execute("BEGIN")
        cursor.execute("DELETE FROM cart_lines WHERE cart_id = %s", (str(own),))
        merging = pool.submit(block_on, there.merge(own, other))
        wait_until(lambda: is_waiting(cursor, "merge_carts"))
        cursor.execute("COMMIT")
        merging.result(5)
    assert held(carts, own) == {9: 1}
