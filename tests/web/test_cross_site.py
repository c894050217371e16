"""Pages of other sites cannot change the cart that a browser's cookie opens."""

from uuid import uuid4

import pytest

from service.cart.tokens import CartTokens
from tests.web.answers import problem

TOKEN = CartTokens(["a secret of the tests"]).issue(uuid4())
HOST, SHOP, EVIL = "http://api.example", "https://shop.example", "https://evil.example"
WRITES = [("POST", "/cart"), ("POST", "/cart/merge"), ("PUT", "/cart/9"), ("DELETE", "/cart/9"), ("DELETE", "/cart")]


@pytest.fixture
def app(serve, shared_database_url, redis_url):
    return serve(shared_database_url, redis_url, cors_origins=SHOP)


@pytest.fixture
def client(app):
    """With a cart in its cookie."""
    client = app.test_client()
    assert client.post("/cart", json={"sku_id": 9}, base_url=HOST).status_code == 201
    return client


def send(client, method, path, **headers):
    body = {"POST": {"sku_id": 10, "token": TOKEN}, "PUT": {"count": 2}}.get(method)
    return client.open(path, method=method, json=body, headers=headers, base_url=HOST)


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://www.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": "http://api.example.evil.example"},
        {"Origin": "http://api.example:8080"},
    ],
)
def test_they_are_refused_and_change_nothing(client, method, path, headers):
    problem(send(client, method, path, **headers), 403, "cross-site")
    assert client.get("/cart", base_url=HOST).json == [{"sku_id": 9, "count": 1}]


@pytest.mark.parametrize(("method", "path"), WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": HOST},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:3000"},  # through a proxy of the page's own
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": SHOP},
        {"Origin": SHOP},
    ],
)
def test_pages_of_this_host_or_a_listed_origin_may(client, method, path, headers):
    assert send(client, method, path, **headers).status_code in (201, 204)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_token_in_a_header_is_no_browsers_doing(app, client, method, path):
    token = client.get_cookie("cart", domain="api.example", path="/cart").value
    other = app.test_client(use_cookies=False)
    response = send(other, method, path, **{"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "X-Cart-Token": token})
    assert response.status_code in (201, 204)


def test_reading_is_allowed(client):
    assert send(client, "GET", "/cart", Origin=EVIL).json == [{"sku_id": 9, "count": 1}]
