import json
import re
from uuid import uuid4

import pytest

from service.cart.tokens import CartTokens
from service.web import responses
from tests.web.catalogue import UNKNOWN
from tests.web.contract import API, COMPONENTS, fits, nginx_problems, resolved, service_problems

ONE = "/products/{product_id}"
KINDS = ("", "/styles", "/related", "/page")
SOMETIMES = {"Link", "Content-Encoding", "Vary", "Idempotency-Replayed"}
# Of every response: what HTTP or CORS needs, and where the time went.
OF_ANY = re.compile("Content-(Type|Length|Security-Policy)|Date|Server(-Timing)?|Access-Control-.*")
TOKEN = CartTokens(["a secret of the tests"]).issue(uuid4())
ADDED = {"json": {"sku_id": 9, "count": 2}}


@pytest.mark.parametrize(("code", "example"), COMPONENTS["examples"].items())
def test_a_problem_is_shown_as_it_is_sent(code, example):
    shown, sent = example["value"], []
    if error := service_problems().get(code):
        raised = error(shown["detail"], shown["errors"]) if "errors" in shown else error()
        sent.append(json.loads(responses.problem_body(raised, shown["instance"])))
    if code in nginx_problems() and "errors" not in shown:
        sent.append(nginx_problems()[code] | {"instance": shown["instance"]})
    assert sent
    assert sent == [shown] * len(sent)


def test_the_malformed_request_of_the_example_gets_that_answer(client):
    assert client.get("/products?page=0").json == COMPONENTS["examples"]["malformed"]["value"]


@pytest.mark.parametrize(
    ("method", "path", "address", "asked", "status"),
    [
        ("get", "/products", "/products?count=2", {}, 200),
        ("get", "/products", "/products?ids=3,1", {}, 200),
        ("head", "/products", "/products", {}, 200),
        ("get", "/products", "/products?count=0", {}, 400),
        *(("get", f"{ONE}{kind}", f"/products/{n}{kind}", {}, 200) for n in (1, 2, 3, 9) for kind in KINDS),
        *(("get", f"{ONE}{kind}", f"/products/{UNKNOWN}{kind}", {}, 404) for kind in KINDS),
        *(("head", f"{ONE}{kind}", f"/products/1{kind}", {}, 200) for kind in KINDS),
        ("get", ONE, "/products/01", {}, 400),
        ("get", ONE, "/products/1", {"headers": {"If-None-Match": "*"}}, 304),
        ("get", "/cart", "/cart", {}, 200),
        ("get", "/cart/lines", "/cart/lines", {}, 200),
        ("get", "/cart", "/cart", {"headers": {"X-Cart-Token": "mine"}}, 400),
        ("post", "/cart", "/cart", ADDED, 201),
        ("post", "/cart", "/cart", ADDED | {"headers": {"Idempotency-Key": "described"}}, 201),
        ("post", "/cart", "/cart", ADDED | {"headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
        ("post", "/cart", "/cart", {"json": {"sku_id": 8}}, 422),
        ("post", "/cart", "/cart", {"data": "sku_id=9"}, 415),
        ("post", "/cart", "/cart", {"data": "1" * 5000, "content_type": "application/json"}, 413),
        ("put", "/cart/{sku_id}", "/cart/9", {"json": {"count": 3}}, 204),
        ("put", "/cart/{sku_id}", "/cart/8", {"json": {"count": 3}}, 422),
        ("delete", "/cart/{sku_id}", "/cart/9", {}, 204),
        ("post", "/cart/merge", "/cart/merge", {"json": {"token": TOKEN}}, 204),
        ("post", "/cart/merge", "/cart/merge", {"json": {"token": "mine"}}, 400),
        ("delete", "/cart", "/cart", {}, 204),
        ("get", "/livez", "/livez", {}, 200),
        ("get", "/readyz", "/readyz", {}, 200),
        ("get", "/openapi.json", "/openapi.json", {}, 200),
        ("get", "/docs", "/docs", {}, 200),
        ("get", "/docs", "/docs", {"headers": {"If-None-Match": "*"}}, 304),
    ],
)
def test_an_answer_is_as_described(client, method, path, address, asked, status):
    client.post("/cart", **ADDED)
    response = client.open(address, method=method.upper(), **asked)
    assert response.status_code == status
    _assert_described(response, method, path)


@pytest.mark.parametrize("path", ["/products", "/readyz"])
def test_an_answer_without_stores_is_as_described(serve, closed_port, path):
    response = serve(f"postgresql://{closed_port}/none", f"redis://{closed_port}").test_client().get(path)
    assert response.status_code == 503
    _assert_described(response, "get", path)


def _assert_described(response, method, path):
    described = resolved(API["paths"][path][method]["responses"][str(response.status_code)])
    # nginx has a problem for /readyz, the service has its state.
    sometimes = SOMETIMES | ({"Retry-After"} if response.mimetype == "application/json" else set())
    for name, header in described["headers"].items():
        schema, values = resolved(header)["schema"], response.headers.getlist(name)
        assert all(fits(schema, int(one) if schema.get("type") == "integer" else one) for one in values)
        assert len(values) == 1 or (not values and name in sometimes)
    assert {name for name, _ in response.headers if not OF_ANY.fullmatch(name)} <= described["headers"].keys()
    if method == "head" or "content" not in described:
        assert response.data == b""
    else:
        schema = described["content"][response.mimetype]["schema"]
        assert fits(schema, response.json if response.is_json else response.text)
