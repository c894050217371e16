"""Idempotency-Key on POST /cart, as a client sees it."""

import pytest

from tests.web.answers import problem

KEY, TOKEN = "Idempotency-Key", "X-Cart-Token"


def add(client, key, sku_id=9, count=1, **headers):
    return client.post("/cart", json={"sku_id": sku_id, "count": count}, headers={KEY: key} | headers)


def made(response, *, is_replayed=False):
    assert (response.status_code, response.data) == (201, b"Created")
    assert response.headers.get("Idempotency-Replayed") == ("true" if is_replayed else None)
    assert "Idempotency-Replayed" in response.headers["Access-Control-Expose-Headers"]
    return response.headers[TOKEN]


def test_it_adds_once_and_says_that_it_repeats_its_answer(client):
    client.post("/cart", json={"sku_id": 10})
    token = made(add(client, "one", count=2))
    for _ in range(2):
        assert made(add(client, "one", count=2), is_replayed=True) == token
    made(add(client, "two"))
    assert client.get("/cart").json == [{"sku_id": 9, "count": 3}, {"sku_id": 10, "count": 1}]


def test_the_same_body_is_the_same_however_it_is_written(client):
    client.post("/cart", json={"sku_id": 10})
    made(add(client, "key"))
    for body in ('{"sku_id":"9"}', '{"count":"1", "user_token":1, "sku_id":9}'):
        made(client.post("/cart", data=body, content_type="application/json", headers={KEY: "key"}), is_replayed=True)


@pytest.mark.parametrize("other", [{"sku_id": 10}, {"count": 2}])
def test_the_same_key_with_another_body_is_refused(client, other):
    client.post("/cart", json={"sku_id": 37})
    made(add(client, "key"))
    problem(add(client, "key", **other), 422, "key-reused")
    made(add(client, "key"), is_replayed=True)
    assert client.get("/cart").json == [{"sku_id": 9, "count": 1}, {"sku_id": 37, "count": 1}]


def test_a_refusal_is_repeated_too(client):
    for sku_id in (9, 10, 37):
        client.post("/cart", json={"sku_id": sku_id})
    for code, sku_id, count in (("unknown-sku", 5, 1), ("too-many-lines", 100, 1), ("too-many-items", 9, 99)):
        problem(add(client, code, sku_id, count), 422, code)
    client.delete("/cart")
    for code, sku_id, count in (("unknown-sku", 5, 1), ("too-many-lines", 100, 1), ("too-many-items", 9, 99)):
        response = add(client, code, sku_id, count)
        problem(response, 422, code)
        assert response.headers["Idempotency-Replayed"] == "true"


def test_what_is_malformed_does_not_use_up_the_key(client):
    client.post("/cart", json={"sku_id": 10})
    problem(add(client, "key", sku_id="x"), 400, "malformed")
    made(add(client, "key"))


@pytest.mark.parametrize("key", ["", "é", "a\tb", "~" * 256])
def test_a_key_is_1_to_255_printable_ascii_characters(client, key):
    client.post("/cart", json={"sku_id": 10})
    assert list(problem(add(client, key), 400, "malformed")) == [KEY]
    made(add(client, " ~" * 127 + "~"))


def test_a_key_is_of_one_cart(app):
    one, other = app.test_client(), app.test_client()
    for client in (one, other):
        client.post("/cart", json={"sku_id": 10})
        made(add(client, "key"))
        assert client.get("/cart").json == [{"sku_id": 9, "count": 1}, {"sku_id": 10, "count": 1}]


class TestWithoutACart:
    """Whose first addition has a key."""

    def test_a_client_who_repeats_it_gets_the_same_cart(self, app):
        tokens = {made(add(app.test_client(), "first of one", count=2))}
        tokens |= {made(add(app.test_client(), "first of one", count=2), is_replayed=True) for _ in range(2)}
        (token,) = tokens
        assert app.test_client().get("/cart", headers={TOKEN: token}).json == [{"sku_id": 9, "count": 2}]

    def test_another_who_chose_the_same_key_gets_another(self, app):
        """From another address, or with another program."""
        clients = [{"X-Forwarded-For": "10.0.0.1"}, {"X-Forwarded-For": "10.0.0.2"}, {"User-Agent": "other"}, {}]
        tokens = {made(add(app.test_client(), "1", **headers)) for headers in clients}
        assert len(tokens) == len(clients)

    def test_with_another_body_it_is_refused(self, app):
        made(add(app.test_client(), "first of another"))
        problem(add(app.test_client(), "first of another", count=2), 422, "key-reused")

    def test_a_key_opens_nothing_once_its_owner_has_a_cart(self, app):
        client = app.test_client()
        token = made(add(client, "mine"))
        assert app.test_client().get("/cart", headers={KEY: "mine"}).json == []
        assert made(add(client, "mine again")) == token
