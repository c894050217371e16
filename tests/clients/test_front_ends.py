"""What real front ends of the old API send, each as one of them does; the answers are those that they wait for."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from tests.web.catalogue import IDS

ORIGIN = {"Origin": "http://localhost:3000"}
TOKEN = {"Authorization": "ghp_abcdefghijklmnopqrstuvwxyz0123456789"}


@pytest.fixture
def ask(base_url):
    """Sends one request on a connection of its own, without cookies: status, headers, and the body, parsed if JSON."""

    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=10)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        raw = response.read()
        connection.close()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, response.headers, json.loads(raw) if is_json and raw else raw

    return ask


@pytest.fixture
def fresh_token():
    """An Authorization header that no other test sends."""
    fresh_token.number += 1
    return {"Authorization": f"token-{fresh_token.number}"}


fresh_token.number = 0


def preflight(ask, method, path, names):
    """Whether a browser would send such a request after the answer to its preflight."""
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": names}
    status, headers, _ = ask("OPTIONS", path, **ORIGIN, **asked)
    allowed = {name.strip().lower() for name in headers["Access-Control-Allow-Headers"].split(",")}
    return (
        status == 204
        and headers["Access-Control-Allow-Origin"] == "*"
        and method in headers["Access-Control-Allow-Methods"]
        and {name.strip().lower() for name in names.split(",")} <= allowed
    )


READS = ["/products/1", "/products/1/styles", "/products/1/related/", "/products/", "/products?count=5"]


@pytest.mark.parametrize("names", ["authorization", "access-control-allow-origin,authorization", "x-a, content-type"])
@pytest.mark.parametrize("path", READS)
def test_a_browser_may_send_its_token_and_whatever_else_with_a_read(ask, path, names):
    assert preflight(ask, "GET", path, names)
    status, headers, body = ask("GET", path, **ORIGIN, **TOKEN, Access_Control_Allow_Origin="*")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert body


@pytest.mark.parametrize("path", ["/cart", "/cart/"])
def test_a_browser_may_post_to_the_cart(ask, path, fresh_token):
    assert preflight(ask, "POST", path, "authorization,content-type")
    assert ask("POST", path, {"sku_id": 37}, **ORIGIN, **fresh_token)[::2] == (201, b"Created")


@pytest.mark.parametrize(
    "body",
    [
        {"sku_id": "37"},
        {"sku_id": 37, "user_token": 12345},
        {"sku_id": "37", "size": "M", "quantity": "2", "session_id": "a1"},
        {"user_session": 1234, "sku_id": 37, "count": "1"},
    ],
)
def test_a_sku_is_added_however_they_spell_it(ask, fresh_token, body):
    assert ask("POST", "/cart", body, **fresh_token)[::2] == (201, b"Created")
    assert ask("GET", "/cart/", **fresh_token)[2] == [{"sku_id": 37, "count": 1}]


def test_a_server_that_knows_its_cart_by_its_token_alone_finds_it_again(ask, fresh_token):
    for _ in range(3):  # a post for each piece
        assert ask("POST", "/cart", {"sku_id": 9}, **fresh_token)[0] == 201
    assert ask("GET", "/cart", **fresh_token)[2] == [{"sku_id": 9, "count": 3}]
    assert ask("GET", "/cart", Authorization="of another")[2] == []


@pytest.mark.parametrize("query", ["count=10000", "count=1000", "page=1&count=2000", "count=100&_=1700000000"])
def test_a_long_list_is_asked_for_at_once(ask, query):
    status, _, body = ask("GET", f"/products?{query}", **TOKEN)
    assert (status, [one["id"] for one in body]) == (200, IDS)


def test_a_product_page_reads_the_product_and_all_that_are_related(ask):
    _, _, related = ask("GET", "/products/1/related", **TOKEN)
    for product_id in (1, *related):
        status, _, product = ask("GET", f"/products/{product_id}", **TOKEN)
        assert (status, product["id"]) == (200, product_id)
        status, _, styles = ask("GET", f"/products/{product_id}/styles/?product_id={product_id}", **TOKEN)
        assert (status, styles["product_id"]) == (200, str(product_id))


def test_a_product_page_in_one_request_is_what_those_requests_say(ask):
    status, _, page = ask("GET", "/products/1/page", **TOKEN)
    related = ask("GET", "/products/1/related", **TOKEN)[2]
    assert (status, page["product"]) == (200, ask("GET", "/products/1", **TOKEN)[2])
    assert page["styles"] == ask("GET", "/products/1/styles", **TOKEN)[2]["results"]
    assert [one["id"] for one in page["related"]] == list(dict.fromkeys(related))
    for shown in page["related"]:
        product = ask("GET", f"/products/{shown['id']}", **TOKEN)[2]
        assert shown.items() >= {name: product[name] for name in ("id", "name", "category", "features")}.items()


def test_what_a_style_lacks_is_there_as_a_placeholder(ask):
    styles = ask("GET", "/products/1/styles", **TOKEN)[2]["results"]
    assert styles[1]["photos"][0]["url"] is None
    assert styles[2]["skus"] == {"null": {"quantity": None, "size": None}}
