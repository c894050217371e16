import json
import logging
from dataclasses import replace
from io import BytesIO

import pytest

from service.app import create_app
from service.resources import Resources
from service.settings import Settings
from service.web import EXTENSION
from tests.web.answers import problem
from tests.web.catalogue import execute

PATHS = {
    "/products": {"GET"},
    "/products/1": {"GET"},
    "/products/1/styles": {"GET"},
    "/products/1/related": {"GET"},
    "/cart": {"GET", "POST", "DELETE"},
    "/cart/lines": {"GET", "PUT", "DELETE"},  # a sku's path as well, which "lines" then is not an id of
    "/cart/merge": {"POST", "PUT", "DELETE"},
    "/cart/9": {"PUT", "DELETE"},
    "/livez": {"GET"},
    "/readyz": {"GET"},
    "/metrics": {"GET"},
}


def with_implied(methods):
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


def listed(header):
    return {name.strip() for name in header.split(",")}


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/product/1", "/Products", "/cart//", "/cart/1/2", "/%00", "/%FF%FE", "/..", "/a b", "/ž"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_path_is_a_problem(client, path, method):
    response = client.open(path, method=method)
    if method == "HEAD":
        assert (response.status_code, response.content_type) == (404, "application/problem+json")
    else:
        problem(response, 404, "not-found")


def test_instance_is_the_path_without_the_query_and_percent_encoded(client):
    problem(client.get("/a%20b/%C5%BE%0A?secret=1"), 404, path="/a%20b/%C5%BE%0A")


@pytest.mark.parametrize(("path", "methods"), PATHS.items())
def test_another_method_is_refused_and_the_right_ones_are_named(client, path, methods):
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - methods:
        response = client.open(path, method=method, json={})
        problem(response, 405)
        assert listed(response.headers["Allow"]) == with_implied(methods)


@pytest.mark.parametrize(("path", "methods"), PATHS.items())
def test_preflight_allows_what_the_path_takes(client, path, methods):
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    response = client.options(path, headers=asks)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert listed(response.headers["Access-Control-Allow-Methods"]) == with_implied(methods)
    assert {"Content-Type", "X-Cart-Token"} <= listed(response.headers["Access-Control-Allow-Headers"])
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("asked", ["authorization", "Authorization, x-token,access-control-allow-origin", "X-A , X-B"])
def test_preflight_allows_whatever_headers_it_asks_for(client, asked):
    for path in ("/products/1", "/products", "/cart", "/cart/", "/products/1/styles/"):
        headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
        response = client.options(path, headers={**headers, "Access-Control-Request-Headers": asked})
        assert response.status_code == 204
        assert response.headers["Access-Control-Allow-Headers"] == asked
        assert "Access-Control-Request-Headers" in response.headers["Vary"]


@pytest.mark.parametrize("asked", ["", "a b", "a,,b", 'x"y', "a\u00e9", "a;b", "<script>"])
def test_what_cannot_be_names_of_headers_is_not_sent_back(client, asked):
    response = client.options("/cart", headers={"Access-Control-Request-Headers": asked.encode().decode("latin-1")})
    allowed = listed(response.headers["Access-Control-Allow-Headers"])
    assert {"Authorization", "Content-Type", "X-Cart-Token"} <= allowed
    assert asked not in allowed


@pytest.mark.parametrize("given", ["abcdefgh", "A-b_c.d9", "x" * 64])
def test_a_request_id_is_sent_back(client, given):
    for path in ("/products/1", "/nowhere", "/cart", "/livez"):
        assert client.get(path, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", [None, "", "short", "x" * 65, "with blank", "ábcdefgh", '"abcdefgh"', "٣" * 8])
def test_a_request_id_of_another_form_is_replaced_each_time_anew(client, given):
    headers = {} if given is None else {"X-Request-Id": given.encode().decode("latin-1")}
    seen = {client.get("/livez", headers=headers).headers["X-Request-Id"] for _ in range(3)}
    assert len(seen) == 3
    assert all(len(one) == 32 and one.isalnum() for one in seen)


@pytest.mark.parametrize("path", ["/cart", "/cart/merge", "/cart/9"])
def test_a_body_larger_than_the_setting_is_refused(client, path):
    method = "PUT" if path == "/cart/9" else "POST"
    fits = json.dumps({"sku_id": ""}).ljust(2000)
    headers = {"content_type": "application/json"}
    problem(client.open(path, method=method, data=fits, **headers), 400)
    problem(client.open(path, method=method, data=fits + " ", **headers), 413)
    problem(client.open(path, method=method, data="[" * 100_000, **headers), 413)
    chunked = {"input_stream": BytesIO(b" " * 100_000), "environ_overrides": {"wsgi.input_terminated": True}}
    problem(client.open(path, method=method, **chunked, **headers), 413)


@pytest.mark.parametrize(
    "media_type", [None, "", "text/plain", "application/jsonp", "application/problem+json", "text/json", "*/*", "\xff"]
)
def test_a_body_of_another_type_is_refused(client, media_type):
    headers = {} if media_type is None else {"Content-Type": media_type}
    problem(client.post("/cart", data=b'{"sku_id":9}', headers=headers), 415)
    assert client.get("/cart").data == b"[]"


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_json_is_json_however_it_is_spelt(client, media_type):
    assert client.post("/cart", data=b'{"sku_id":9}', headers={"Content-Type": media_type}).status_code == 201


class Broken:
    def documents(self, keys):
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    def close(self):
        pass


def test_what_nobody_expected_is_logged_and_not_shown(app, caplog, shared_database_url, closed_port):
    settings = Settings(shared_database_url, f"redis://{closed_port}", "a secret of the tests")
    opened = Resources.open(settings)
    client = create_app(settings, replace(opened, catalogue=Broken())).test_client()
    with caplog.at_level(logging.ERROR, "service"):
        problem(client.get("/products/1", headers={"X-Request-Id": "abcdefgh"}), 500)
    opened.close()
    assert "/etc/passwd" in caplog.text


def test_a_table_that_is_gone_shows_nothing_of_itself(serve, own_database, closed_port, caplog):
    client = serve(own_database, f"redis://{closed_port}").test_client()
    assert client.get("/products/1").status_code == 200
    execute(own_database, ("DROP TABLE features, cart_lines, related_products CASCADE", ()))
    with caplog.at_level(logging.ERROR, "service"):
        for path in ("/products/1", "/products/1/related"):
            problem(client.get(path), 500)
        problem(client.post("/cart", json={"sku_id": 9}), 500)
    assert client.get("/products/1/styles").status_code == 200


def test_an_application_uses_the_parts_it_is_given(app):
    parts = app.extensions[EXTENSION]
    settings = Settings("postgresql://127.0.0.1:1", "redis://127.0.0.1:1", "a secret of the tests")
    assert create_app(settings, parts).test_client().get("/products/1").status_code == 200
