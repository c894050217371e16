"""Whatever comes in, the answer is a valid one or a problem; whatever text the catalogue holds comes out as it is."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web import catalogue
from tests.web.answers import compact, problem
from tests.web.catalogue import execute
from tests.web.conftest import serving

MANY = settings(
    max_examples=80,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
STRANGE = st.one_of(st.binary(max_size=40), st.text(max_size=40).map(lambda text: text.encode(errors="replace")))
PLAIN_ID = st.one_of(st.integers(-5, 2**32), st.integers()).map(lambda n: str(n).encode())
NAMES = st.sampled_from([b"page", b"count", b"after", b"ids", b"x", b"page%00", b"+page", b""])
QUERIES = st.lists(st.tuples(NAMES, st.one_of(STRANGE, PLAIN_ID)), max_size=4).map(
    lambda pairs: b"&".join(b"=".join(pair) for pair in pairs)
)
FIELDS = st.sampled_from(["sku_id", "count", "é", "\ud800"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(1, 40) | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner),
    max_leaves=8,
)
# Neither NUL nor half a surrogate pair can be in Postgres.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)


def raw(client, path, query=b"", **asked):
    """A request with these very bytes, percent-decoded already, as a server hands it over."""
    environ = {"PATH_INFO": path.decode("latin-1"), "QUERY_STRING": query.decode("latin-1")}
    return client.open("/", environ_overrides=environ, **asked)


def answered(response, *statuses):
    """Assert that this is one of the answers that a healthy service gives to any read."""
    if response.status_code in (400, 404, 405, 413, 415, 422):
        assert response.status_code in statuses
        problem(response, response.status_code, json.loads(response.data)["type"].removeprefix("/docs#"))
    else:
        assert response.status_code in (200, 201)
    return response.status_code


@MANY
@given(st.one_of(STRANGE, PLAIN_ID), st.sampled_from([b"", b"/styles", b"/related"]))
def test_any_segment_is_an_id_or_a_problem(client, segment, below):
    status = answered(raw(client, b"/products/" + segment + below), 400, 404)
    if status == 200 and b"/" not in segment and segment:
        assert int(segment) in catalogue.IDS
        assert str(int(segment)).encode() == segment


@MANY
@given(STRANGE)
def test_any_path_is_known_or_a_problem(client, path):
    answered(raw(client, b"/" + path), 404, 405)  # it may be /cart/merge, which no GET is for


@MANY
@given(st.one_of(STRANGE, QUERIES))
def test_any_query_is_a_list_or_a_problem(client, query):
    if answered(raw(client, b"/products", query), 400) == 200:
        assert {one["id"] for one in raw(client, b"/products", query).json} <= set(catalogue.IDS)


@MANY
@given(st.one_of(STRANGE, st.dictionaries(FIELDS, JSON).map(compact), JSON.map(compact)))
def test_any_body_is_an_addition_or_a_problem(app, body):
    client = app.test_client()
    status = answered(client.post("/cart", data=body, content_type="application/json"), 400, 413, 422)
    assert (client.get("/cart").data != b"[]") is (status == 201)
    if status == 201:
        assert "sku_id" in json.loads(body)


@MANY
@given(st.sampled_from(["If-None-Match", "Cookie", "X-Request-Id", "Range", "Accept", "Host", "If-Match"]), STRANGE)
def test_any_header_is_understood_or_ignored(client, name, value):
    headers = {"HTTP_" + name.upper().replace("-", "_"): value.decode("latin-1")}
    for path in ("/products/1", "/cart", "/livez"):
        response = client.get(path, environ_overrides=headers)
        assert response.status_code in (200, 304) or answered(response, 400) == 400


@pytest.fixture(scope="module")
def changing(new_database, migrated_template):
    """A database with one product, to be written into."""
    url = new_database(migrated_template)
    product = (1, "", "", "", "", 1)
    rows = {"products": product, "features": (1, 1, "", ""), "styles": (1, 1, "", 1, None, False)}
    rows |= {"photos": (1, 1, "", ""), "skus": (1, 1, "", 1)}
    execute(url, *((catalogue.insertion(table, row), row) for table, row in rows.items()))
    return url


@pytest.fixture(scope="module")
def reader(changing, closed_port):
    """A caller who sees every change at once: there is no cache."""
    with serving(changing, f"redis://{closed_port}") as app:
        yield app.test_client()


def texts(client):
    """Every text that the answers about product 1 show."""
    product, styles = client.get("/products/1"), client.get("/products/1/styles")
    (card,) = client.get("/products").json
    for response in (product, styles):
        assert response.data == compact(response.json)
    (style,) = styles.json["results"]
    ((_, sku),) = style["skus"].items()
    return [
        *(product.json[name] for name in ("name", "slogan", "description", "category")),
        *(card[name] for name in ("name", "slogan", "description", "category")),
        *product.json["features"][0].values(),
        *(style["name"], *style["photos"][0].values(), sku["size"]),
    ]


@MANY
@given(TEXT)
def test_any_text_comes_out_byte_for_byte(changing, reader, text):
    execute(
        changing,
        ("UPDATE products SET (name, slogan, description, category) = (%s, %s, %s, %s)", (text,) * 4),
        ("UPDATE features SET (feature, value) = (%s, %s)", (text,) * 2),
        ("UPDATE styles SET name = %s", (text,)),
        ("UPDATE photos SET (thumbnail_url, url) = (%s, %s)", (text,) * 2),
        ("UPDATE skus SET size = %s", (text,)),
    )
    assert texts(reader) == [text] * 14
