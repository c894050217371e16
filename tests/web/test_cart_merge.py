"""POST /cart/merge: the lines of another cart move to the client's, once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest

from deploy.local import probes
from service.cart.additions import Addition, Additions
from service.cart.carts import Carts
from service.cart.tokens import CartTokens
from service.coroutines import block_on
from service.errors import TooManyLines
from service.postgres import Postgres
from tests.chaos.waits import wait_until
from tests.locks import is_waiting
from tests.web.answers import problem
from tests.web.test_cart_tokens import FORGED

HEADER, PATH = "X-Cart-Token", "/cart/merge"


def filled(app, **counts):
    """A client whose cart has these counts of skus, and its token."""
    client = app.test_client()
    for sku, count in counts.items():
        response = client.put(f"/cart/{sku.removeprefix('sku')}", json={"count": count})
    return client, response.headers[HEADER]


def merge(client, token):
    response = client.post(PATH, json={"token": token})
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["Set-Cookie"].startswith(f"cart={response.headers[HEADER]};")
    return response.headers[HEADER]


def contents(client):
    return {line["sku_id"]: line["count"] for line in client.get("/cart").json}


def test_lines_move_and_counts_of_a_sku_add_up_to_what_a_cart_can_hold(app):
    (client, token), (other, of_other) = filled(app, sku9=1, sku10=60), filled(app, sku9=2, sku10=60, sku37=5)
    assert merge(client, of_other) == token
    assert contents(client) == {9: 3, 10: 99, 37: 5}
    assert contents(other) == {}


def test_repeating_it_changes_nothing(app):
    (client, _), (other, of_other) = filled(app, sku9=1), filled(app, sku9=2, sku10=1)
    for _ in range(3):
        merge(client, of_other)
        assert contents(client) == {9: 3, 10: 1}
    other.post("/cart", json={"sku_id": 9})
    merge(client, of_other)
    assert contents(client) == {9: 4, 10: 1}


def test_a_cart_merged_with_itself_stays_as_it_is(app):
    client, token = filled(app, sku9=2)
    assert merge(client, token) == token
    assert contents(client) == {9: 2}


def test_a_client_without_a_cart_gets_one(app):
    other, of_other = filled(app, sku9=2)
    client = app.test_client()
    assert merge(client, of_other) != of_other
    assert (contents(client), contents(other)) == ({9: 2}, {})


def test_a_cart_that_was_never_filled_adds_nothing(app):
    client, token = filled(app, sku9=2)
    assert merge(client, CartTokens(["a secret of the tests"]).issue(uuid4())) == token
    assert contents(client) == {9: 2}


def test_too_many_lines_are_refused_and_change_nothing(app):
    (client, _), (other, of_other) = filled(app, sku9=1, sku10=1), filled(app, sku10=1, sku37=1, sku100=1)
    problem(client.post(PATH, json={"token": of_other}), 422, "too-many-lines", PATH)
    assert contents(client) == {9: 1, 10: 1}
    assert contents(other) == {10: 1, 37: 1, 100: 1}
    client.delete("/cart/9")
    merge(client, of_other)
    assert contents(client) == {10: 2, 37: 1, 100: 1}


def test_what_has_left_the_catalogue_moves_too(serve, own_database, redis_url):
    app = serve(own_database, redis_url)
    (client, _), (_, of_other) = filled(app, sku9=1), filled(app, sku911=2)
    with probes.query(own_database) as cursor:
        cursor.execute("DELETE FROM skus WHERE id = 911")
    merge(client, of_other)
    assert contents(client) == {9: 1, 911: 2}


def test_counts_pass_no_limit_of_the_database(serve, shared_database_url, redis_url):
    app = serve(shared_database_url, redis_url, cart_max_items=2147483647)
    (client, _), (_, of_other) = filled(app, sku9=99), filled(app, sku9=99)
    with probes.query(shared_database_url) as cursor:
        cursor.execute("UPDATE cart_lines SET count = 2147483600 WHERE (sku_id, count) = (9, 99)")
    merge(client, of_other)
    assert contents(client) == {9: 2147483647}


@pytest.mark.parametrize("forged", [text for text in FORGED.values() if len(text) < 1000])  # bodies are short here
def test_what_is_no_token_is_refused(app, forged):
    client, _ = filled(app, sku9=1)
    response = client.post(PATH, json={"token": forged})
    assert problem(response, 400, "malformed", PATH) == {"token": ["Not a valid token."]}
    assert not forged or forged not in response.text
    assert contents(client) == {9: 1}


@pytest.mark.parametrize("token", [None, 1, ["a"], {}, True, "\ud800", "\0"])
def test_a_token_is_a_text(client, token):
    assert list(problem(client.post(PATH, json={"token": token}), 400, "malformed", PATH)) == ["token"]
    assert "Set-Cookie" not in client.post(PATH, json={"token": token}).headers


def test_a_token_is_needed(client):
    assert list(problem(client.post(PATH, json={}), 400, "malformed", PATH)) == ["token"]
    problem(client.post(PATH, data="token=x"), 415)


SKUS = (9, 10, 37, 100, 911)
MOST_LINES = 5


@pytest.fixture
def instances(shared_database_url):
    """Two, with connections of their own: carts and additions of each."""
    pools = [Postgres(shared_database_url, 4, 5.0) for _ in range(2)]
    yield [(Carts(pool, MOST_LINES, 10_000), Additions(pool, MOST_LINES, 10_000)) for pool in pools]
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
