"""Front ends whose own server calls with one Authorization header and keeps no cookie, as with the old API."""

import pytest

from tests.web.conftest import serving


@pytest.fixture(scope="module")
def known(shared_database_url, redis_server):
    redis_url = redis_server.url.removesuffix("/0") + "/5"
    with serving(shared_database_url, redis_url, cart_by_authorization=True) as app:
        yield app


def add(app, authorization, sku_id=9, **headers):
    """One request of a caller that keeps nothing."""
    sent = {"Authorization": authorization, **headers}
    return app.test_client(use_cookies=False).post("/cart", json={"sku_id": sku_id}, headers=sent)


def contents(app, authorization, **headers):
    sent = {"Authorization": authorization, **headers}
    lines = app.test_client(use_cookies=False).get("/cart", headers=sent).json
    return [(line["sku_id"], line["count"]) for line in lines]


def test_the_same_header_is_the_same_cart_and_another_is_another(known):
    for _ in range(2):
        assert add(known, "ghp_one").status_code == 201
    assert add(known, "ghp_two", 10).status_code == 201
    assert contents(known, "ghp_one") == [(9, 2)]
    assert contents(known, "ghp_two") == [(10, 1)]
    assert contents(known, "ghp_three") == []
    client = known.test_client(use_cookies=False)
    assert client.put("/cart/37", json={"count": 3}, headers={"Authorization": "ghp_two"}).status_code == 204
    assert contents(known, "ghp_two") == [(10, 1), (37, 3)]
    assert client.delete("/cart", headers={"Authorization": "ghp_two"}).status_code == 204
    assert contents(known, "ghp_two") == []


def test_a_token_comes_first(known):
    token = add(known, "ghp_four", 10).headers["X-Cart-Token"]
    assert add(known, "ghp_five", 37, **{"X-Cart-Token": token}).status_code == 201
    assert contents(known, "ghp_four") == [(10, 1), (37, 1)]
    assert contents(known, "ghp_five") == []
    cookie = {"Cookie": f"cart={token}"}
    assert contents(known, "ghp_five", **cookie) == [(10, 1), (37, 1)]


def test_no_header_or_an_empty_one_is_nobody(known):
    assert add(known, "").status_code == 201
    assert contents(known, "") == []


def test_another_secret_makes_another_cart(known, shared_database_url, closed_port, serve):
    add(known, "ghp_six")
    settings = {"cart_by_authorization": True, "cart_secret": "another secret of the tests"}
    other = serve(shared_database_url, f"redis://{closed_port}", **settings)
    assert contents(other, "ghp_six") == []


def test_without_the_setting_the_header_opens_nothing(app):
    assert add(app, "ghp_seven").status_code == 201
    assert contents(app, "ghp_seven") == []
