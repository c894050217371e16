"""POST /cart/merge: the lines of another cart move to the client's, once."""

from uuid import uuid4

import pytest

from deploy.local import probes
from service.cart.tokens import CartTokens
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


@pytest.mark.parametrize("kind", [kind for kind, text in FORGED.items() if len(text) < 1000])  # bodies are short here
def test_what_is_no_token_is_refused(app, kind):
    (client, _), forged = filled(app, sku9=1), FORGED[kind]
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
