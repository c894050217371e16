import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.answers import compact, problem
from tests.web.catalogue import execute

UNKNOWN_SKU = 5


def contents(client):
    response = client.get("/cart")
    assert (response.status_code, response.content_type) == (200, "application/json; charset=utf-8")
    lines = [{"sku_id": one["sku_id"], "count": one["count"]} for one in response.json]
    assert response.data == compact(lines)
    return [tuple(line.values()) for line in lines]


def add(client, sku_id, count=None):
    return client.post("/cart", json={"sku_id": sku_id} | ({} if count is None else {"count": count}))


def done(response):
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Content-Type" not in response.headers
    return response


def created(response):
    assert (response.status_code, response.data) == (201, b"Created")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.content_type == "text/plain; charset=utf-8"
    return response


def hold(database_url, client, sku_id, count):
    """Give the caller's line a count that no request could."""
    created(add(client, sku_id))
    execute(database_url, ("UPDATE cart_lines SET count = %s WHERE sku_id = %s", (count, sku_id)))


def test_additions_add_up_and_show_in_order_of_sku(client):
    for sku_id, count in ((100, 1), (9, None), (10, 99), (9, 2), (100, 1)):
        created(add(client, sku_id, count))
    assert contents(client) == [(9, 3), (10, 99), (100, 2)]


def test_a_caller_without_a_cart_has_an_empty_one(client):
    assert contents(client) == []
    assert client.get("/cart/lines").data == b'{"lines":[],"total":"0"}'
    for response in (client.delete("/cart"), client.delete("/cart/9"), client.put("/cart/9", json={"count": 0})):
        assert "Set-Cookie" not in done(response).headers


def test_put_sets_the_count_of_a_line_and_zero_removes_it(client):
    done(client.put("/cart/10", json={"count": 4}))
    done(client.put("/cart/9", json={"count": 99}))
    done(client.put("/cart/10", json={"count": 2}))
    assert contents(client) == [(9, 99), (10, 2)]
    for _ in range(2):
        done(client.put("/cart/9", json={"count": 0}))
        assert contents(client) == [(10, 2)]


def test_delete_removes_a_line_or_the_cart_and_can_be_repeated(client):
    for sku_id in (9, 10, 37):
        add(client, sku_id)
    for _ in range(2):
        done(client.delete("/cart/10"))
        done(client.delete(f"/cart/{UNKNOWN_SKU}"))
        assert contents(client) == [(9, 1), (37, 1)]
    for _ in range(2):
        done(client.delete("/cart"))
        assert contents(client) == []
    created(add(client, 9))
    assert contents(client) == [(9, 1)]


@pytest.mark.parametrize("sku_id", [UNKNOWN_SKU, 2147483647])
def test_an_unknown_sku_leaves_no_cart_and_changes_none(serve, own_database, closed_port, sku_id):
    app = serve(own_database, f"redis://{closed_port}")
    client = app.test_client()
    for response in (add(client, sku_id), client.put(f"/cart/{sku_id}", json={"count": 3})):
        problem(response, 422, "unknown-sku")
        assert "Set-Cookie" not in response.headers
    execute(own_database, ("CREATE UNIQUE INDEX one_at_most ON carts ((true))", ()))  # a second cart would be a 500
    add(client, 9)
    again = add(app.test_client(), sku_id)
    for response in (add(client, sku_id), client.put(f"/cart/{sku_id}", json={"count": 3}), again):
        problem(response, 422, "unknown-sku")
    assert contents(client) == [(9, 1)]


def test_a_cart_holds_so_many_different_skus_and_no_more(client):
    for sku_id in (9, 10, 37, 9):
        created(add(client, sku_id))
    for response in (add(client, 100), client.put("/cart/100", json={"count": 1})):
        problem(response, 422, "too-many-lines")
    created(add(client, 37, 98))
    done(client.put("/cart/9", json={"count": 1}))
    assert contents(client) == [(9, 1), (10, 1), (37, 99)]
    done(client.put("/cart/9", json={"count": 0}))
    created(add(client, 100))
    assert contents(client) == [(10, 1), (37, 99), (100, 1)]


def test_a_cart_holds_so_many_items_of_a_sku_and_no_more(client):
    created(add(client, 9, 60))
    for response in (add(client, 9, 40), add(client, 9, 99)):
        problem(response, 422, "too-many-items")
    created(add(client, 9, 39))
    problem(add(client, 9), 422, "too-many-items")
    created(add(client, 10, 99))
    assert contents(client) == [(9, 99), (10, 99)]


def test_no_more_of_a_sku_is_set_than_a_cart_can_hold(serve, shared_database_url, redis_url):
    client = serve(shared_database_url, redis_url, cart_max_items=5).test_client()
    problem(client.put("/cart/9", json={"count": 6}), 422, "too-many-items")
    problem(add(client, 9, 6), 422, "too-many-items")
    done(client.put("/cart/9", json={"count": 5}))
    assert contents(client) == [(9, 5)]


def test_more_of_a_sku_than_can_be_counted_is_refused(serve, shared_database_url, redis_url):
    client = serve(shared_database_url, redis_url, cart_max_items=2147483647).test_client()
    hold(shared_database_url, client, 912, 2147483640)
    problem(add(client, 912, 8), 422, "too-many-items")
    assert contents(client) == [(912, 2147483640)]
    created(add(client, 912, 7))
    assert contents(client) == [(912, 2147483647)]
    lines = client.get("/cart/lines").json
    assert lines["total"] == lines["lines"][0]["line_total"] == str(2147483647 * 30)
    done(client.put("/cart/912", json={"count": 1}))


@pytest.mark.parametrize("query", ["x=1", "cart=1", "user_session=7", "sku_id=9&sku_id=9"])
def test_a_query_changes_nothing_of_a_cart(client, query):
    created(client.post(f"/cart?{query}", json={"sku_id": 9}))
    assert client.get(f"/cart?{query}").data == client.get("/cart").data
    assert client.get(f"/cart/lines?{query}").data == client.get("/cart/lines").data
    done(client.put(f"/cart/10?{query}", json={"count": 2}))
    assert contents(client) == [(9, 1), (10, 2)]
    done(client.delete(f"/cart/9?{query}"))
    done(client.delete(f"/cart?{query}"))
    assert contents(client) == []


@pytest.mark.parametrize("sku_id", ["9", "09", "0000000009"])
def test_a_sku_id_and_a_count_may_be_strings_of_digits(client, sku_id):
    created(add(client, sku_id, "2"))
    created(add(client, sku_id))
    assert contents(client) == [(9, 3)]
    done(client.put("/cart/9", json={"count": "5"}))
    assert contents(client) == [(9, 5)]


@pytest.mark.parametrize("more", [{"user_token": 12345}, {"size": "M", "quantity": 3}, {"session_id": "x", "": None}])
def test_fields_that_mean_nothing_are_ignored(client, more):
    created(client.post("/cart", json={"sku_id": 9} | more))
    done(client.put("/cart/10", json={"count": 2} | more))
    assert contents(client) == [(9, 1), (10, 2)]


def test_a_slash_at_the_end_makes_no_difference(client):
    created(client.post("/cart/", json={"sku_id": 9}))
    done(client.put("/cart/10/", json={"count": 2}))
    assert client.get("/cart/").data == client.get("/cart").data
    assert client.get("/cart/lines/").data == client.get("/cart/lines").data
    done(client.delete("/cart/10/"))
    assert contents(client) == [(9, 1)]
    done(client.delete("/cart/"))
    assert contents(client) == []


def at_once(app, token, bodies):
    """Status of each addition, all of them sent by threads that wait for each other before they send."""
    gate = threading.Barrier(len(bodies))

    def send(body):
        caller = app.test_client()
        gate.wait(10)
        return caller.post("/cart", json=body, headers={"X-Cart-Token": token}).status_code

    with ThreadPoolExecutor(len(bodies)) as pool:
        return sorted(pool.map(send, bodies))


def test_two_who_want_the_last_line_at_once_do_not_both_get_it(app, client):
    for _ in range(10):
        token = add(client, 9).headers["X-Cart-Token"]
        add(client, 10)
        assert at_once(app, token, [{"sku_id": 37}, {"sku_id": 100}, {"sku_id": 912}]) == [201, 422, 422]
        assert len(contents(client)) == 3
        client.delete("/cart")


def test_additions_at_once_all_count(app, client):
    token = add(client, 9).headers["X-Cart-Token"]
    client.delete("/cart")  # so that each of them is the first
    assert at_once(app, token, [{"sku_id": sku_id, "count": 2} for sku_id in (9, 10, 9, 10, 9, 37)]) == [201] * 6
    assert contents(client) == [(9, 6), (10, 4), (37, 2)]
