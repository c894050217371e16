import re
from contextlib import closing

import pytest
from marshmallow import ValidationError

from deploy.openapi.__main__ import SNAPSHOT, written
from deploy.openapi.document import document
from deploy.openapi.examples import Examples, fill
from etl.showcase import PRODUCTS
from service.web import cart, responses, schemas
from tests.web.contract import API, COMPONENTS, OPERATIONS, fits, parts, resolved

NOT_OF_THE_API = {"/metrics", "/metrics/history", "/docs/<name>"}  # for operators, and files of a page
PARAMETERS = {one["name"]: one for *_, operation in OPERATIONS for one in operation.get("parameters", ())}


def test_the_file_is_what_the_routes_and_the_answers_make(new_database, migrated_template, redis_server, tmp_path):
    database_url = new_database(migrated_template)
    fill(database_url, tmp_path / "catalogue")
    with closing(Examples(database_url, redis_server.url.removesuffix("/0") + "/6")) as examples:
        assert SNAPSHOT.read_text("utf-8") == written(document(examples)), "python -m deploy.openapi rewrites it"


def schema_of(name):
    return COMPONENTS["schemas"][name]


def accepts(schema, given):
    try:
        schema().load(given)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("CartLine", {"sku_id": 0, "count": 1}),
        ("CartLine", {"sku_id": True, "count": 1}),
        ("PricedCart", {"lines": [], "total": "007"}),
        ("Feature", {"feature": "Wick"}),
        ("Feature", {"feature": "Wick", "value": 1}),
        ("Feature", {"feature": "Wick", "value": None, "id": 1}),
        ("PricedCart", {"lines": [{}], "total": "0"}),
        ("Style", {**dict.fromkeys(schema_of("Style")["required"]), "skus": {"1": {}}}),
        ("Readiness", {"status": "fine", "parts": {"postgres": "ok", "redis": "ok"}}),
    ],
)
def test_what_a_schema_excludes_does_not_fit(schema, value):
    assert not fits(schema_of(schema), value)


def test_every_route_is_described_and_no_other(app):
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule not in NOT_OF_THE_API]
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower(), rule.endpoint.rpartition(".")[2])
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = [(path, method, operation["operationId"]) for path, method, operation in OPERATIONS if method != "head"]
    assert sorted(described) == sorted(routes)
    assert len(rules) == len(list(app.url_map.iter_rules())) - len(NOT_OF_THE_API)


def test_every_reference_leads_somewhere_and_nothing_is_left_over():
    references = {part["$ref"] for part in parts() if "$ref" in part}
    kept = {f"#/components/{kind}/{name}" for kind, of_kind in COMPONENTS.items() for name in of_kind}
    nowhere = {"#/components/examples/impossible"}  # what its kinds have in common
    assert references == {name for name in kept if "/securitySchemes/" not in name} - nowhere


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_is_whole(path, method, operation):
    assert operation["summary"]
    assert set(operation["tags"]) <= {tag["name"] for tag in API["tags"]}
    assert any(status.startswith("2") for status in operation["responses"])
    assert "default" in operation["responses"]
    asked = operation.get("parameters", [])
    assert {one["name"] for one in asked if one["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
    assert all(one["required"] and "example" in one for one in asked if one["in"] == "path")
    assert all(one["description"] for one in asked)
    assert {name for way in operation.get("security", ()) for name in way} <= set(COMPONENTS["securitySchemes"])
    for status, given in operation["responses"].items():
        response = resolved(given)
        assert response["description"]
        assert "X-Request-Id" in response["headers"]
        problems = response.get("content", {}).get(responses.PROBLEM, {}).get("examples", {})
        assert bool(problems) == (status == "default" or int(status) >= 400)
        assert status == "default" or {str(resolved(one)["value"]["status"]) for one in problems.values()} <= {status}


def test_the_cart_token_is_where_the_service_looks_for_it():
    ways = {(scheme["in"], scheme["name"]) for scheme in COMPONENTS["securitySchemes"].values()}
    assert ways == {("cookie", cart.COOKIE), ("header", cart.HEADER)}
    for path, method, operation in OPERATIONS:
        assert (operation.get("security") == [{}, {"cookie": []}, {"header": []}]) == path.startswith("/cart"), method


def fields():
    """Each field: its schema, a request with it, its name, its description, whether required, how it is written."""
    for name, schema in (("product_id", schemas.ProductPath), ("sku_id", schemas.SkuPath)):
        yield schema, {name: "1"}, name, PARAMETERS[name]["schema"], True, str
    for name in ("page", "count", "after"):
        yield schemas.ListQuery, {name: "1"}, name, PARAMETERS[name]["schema"], False, str
    each = PARAMETERS["ids"]["schema"]["items"]
    yield schemas.ListQuery, {"ids": "1"}, "ids", each, False, lambda number: f"2,{number}"
    for schema, given in ((schemas.CartAddition, {"sku_id": 1, "count": 1}), (schemas.CartCount, {"count": 1})):
        described = schema_of(schema.__name__)
        for name, field in described["properties"].items():
            yield schema, given, name, field, name in described["required"], int


@pytest.mark.parametrize(("schema", "given", "name", "described", "required", "write"), [*fields()])
def test_a_field_takes_what_is_described(schema, given, name, described, required, write):
    limits = resolved(described)
    takes = [accepts(schema, given | {name: write(limits["minimum"] + step)}) for step in (-1, 0)]
    assert takes == [False, True]
    most = limits.get("maximum")
    takes = [accepts(schema, given | {name: write(number)}) for number in ([most, most + 1] if most else [10**30])]
    assert takes == ([True, False] if most else [True])
    others = {other: value for other, value in given.items() if other != name}
    assert accepts(schema, others) is not required
    assert "default" not in limits or schema().load(others)[name] == limits["default"]


@pytest.mark.parametrize(("given", "taken"), [({"token": ""}, True), ({"token": 1}, False), ({}, False)])
def test_a_merge_takes_what_is_described(given, taken):
    assert fits(schema_of("CartMerge"), given) is accepts(schemas.CartMerge, given) is taken


def test_every_field_that_comes_in_is_described():
    described = [(schema, name) for schema, _, name, *_ in fields()]
    described.append((schemas.CartMerge, "token"))
    taken = {schema for schema, _ in described}
    assert {(schema, name) for schema in taken for name in schema().fields} == set(described)
    assert taken == set(schemas.Part.__subclasses__()) - {schemas.HistoryQuery}  # of operators
    bodies = [part["requestBody"]["content"]["application/json"] for part in parts() if "requestBody" in part]
    assert ["additionalProperties" in resolved(body["schema"]) for body in bodies] == [False, False, False]


@pytest.mark.parametrize(("count", "taken"), [(0, True), (1, False)])
def test_a_list_takes_as_many_ids_as_described(count, taken):
    most = PARAMETERS["ids"]["schema"]["maxItems"]
    assert accepts(schemas.ListQuery, {"ids": ",".join(["1"] * (most + count))}) is taken


def test_every_example_is_as_its_schema_says():
    shown = [part for part in parts() if "schema" in part and ("example" in part or "examples" in part)]
    examples = [(part["schema"], part["example"]) for part in shown if "example" in part]
    examples += [
        (part["schema"], resolved(one)["value"]) for part in shown for one in part.get("examples", {}).values()
    ]
    assert len(examples) > 30
    assert [example for schema, example in examples if not fits(schema, example)] == []


def test_the_examples_show_the_first_product_of_the_sample():
    product = PRODUCTS[0]
    features = [{"feature": feature, "value": value} for feature, value in product.features]
    text = {"name": product.name, "slogan": product.slogan, "description": product.description}
    card = {"id": 1, **text, "category": product.category, "default_price": str(product.default_price)}
    assert _shown("/products")["examples"]["page"]["value"][0] == card
    assert _shown("/products/{product_id}")["example"] == {**card, "features": features}
    assert _shown("/products/{product_id}/related")["example"] == product.related


def _shown(path):
    return API["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
