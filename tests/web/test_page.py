"""A product's page is its documents and the summaries of its related products, joined."""

import gzip
import json

import pytest

from deploy.local import probes
from etl.generate import generate
from service.cache.entry import Entry
from tests.integration.loads import run
from tests.web import catalogue
from tests.web.answers import compact, problem
from tests.web.catalogue import UNKNOWN, card, execute
from tests.web.test_conditional import ABOUT, about
from tests.web.test_products import FEATURES, MALFORMED, RELATED, STYLES

GZIP = {"Accept-Encoding": "gzip"}
SHOWN = ("id", "name", "category", "default_price")
PARTS = ["product:1", "styles:1", "related:1", "summary:1", "summary:9", "summary:2"]


def summary(product_id):
    """What other pages show of a product."""
    styles = STYLES.get(product_id, [])
    default = next((style for style in styles if style["default?"]), styles[0] if styles else None)
    prices = {name: default and default[name] for name in ("original_price", "sale_price")}
    picture = {"thumbnail_url": default and default["photos"][0]["thumbnail_url"]}
    texts = {name: card(product_id)[name] for name in SHOWN}
    return {**texts, "features": FEATURES.get(product_id, []), **prices, **picture}


def page(client, product_id, **headers):
    return client.get(f"/products/{product_id}/page", headers=headers)


@pytest.mark.parametrize("product_id", catalogue.IDS)
def test_a_page_is_these_bytes(client, product_id):
    response = page(client, product_id)
    related = [each for each in dict.fromkeys(RELATED.get(product_id, [])) if each in catalogue.IDS]
    assert response.data == compact(
        {
            "product": {**card(product_id), "features": FEATURES.get(product_id, [])},
            "styles": STYLES.get(product_id, []),
            "related": [summary(each) for each in related],
        }
    )
    assert (response.status_code, response.content_type) == (200, "application/json; charset=utf-8")


def test_a_summary_is_spelt_like_this(client):
    assert json.loads(page(client, 1).data)["related"][2] == summary(2)
    assert (
        page(client, 1)
        .data.decode()
        .endswith(
            '{"id":2,"name":"Plain Box","category":"Boxes","default_price":"0","features":[],'
            '"original_price":null,"sale_price":null,"thumbnail_url":null}]}'
        )
    )
    assert (
        b'"related":[{"id":1,"name":"Harbour Lantern","category":"Lamps","default_price":"140",' in page(client, 1).data
    )


def test_every_page_of_a_generated_catalogue_is_its_parts(database_url, tmp_path, serve, redis_url):
    generate(tmp_path, products=300)
    run(database_url, tmp_path)
    client = serve(database_url, redis_url).test_client()
    gzipped = 0
    for number in range(1, 301):
        bodies = [client.get(f"/products/{number}{suffix}") for suffix in ("", "/styles", "/related")]
        response = page(client, number)
        if bodies[0].status_code == 404:
            problem(response, 404, "unknown-product")
            continue
        product, styles, related = [body.data for body in bodies]
        results = styles.removeprefix(b'{"product_id":"%d","results":' % number).removesuffix(b"}")
        start, end = b'{"product":' + product + b',"styles":' + results + b',"related":[', b"]}"
        assert response.data.startswith(start)
        assert response.data.endswith(end)
        shown = json.loads(response.data[len(start) - 1 : -1])
        exist = {one["id"]: one for one in json.loads(client.get(_list_of(related)).data)} if related != b"[]" else {}
        assert [one["id"] for one in shown] == [each for each in dict.fromkeys(json.loads(related)) if each in exist]
        assert [one["name"] for one in shown] == [exist[one["id"]]["name"] for one in shown]
        packed = page(client, number, **GZIP)
        assert ("Content-Encoding" in packed.headers) == (len(response.data) > 1024)
        if len(response.data) > 1024:
            gzipped += 1
            assert gzip.decompress(packed.data) == response.data
            assert len(packed.data) < len(response.data)
    assert gzipped > 200


def _list_of(related):
    return "/products?ids=" + ",".join(str(each) for each in dict.fromkeys(json.loads(related)))


@pytest.fixture
def large(serve, own_database, redis_url):
    """A caller of a catalogue where product 1 has a page and styles above a kilobyte."""
    rows = [("photos", (500 + n, 12, f"https://pictures.example/{n}.jpg", "")) for n in range(40)]
    execute(own_database, *((catalogue.insertion(table, row), row) for table, row in rows))
    return serve(own_database, redis_url).test_client()


@pytest.mark.parametrize("outcome", ["miss", "hit"])
def test_it_has_two_forms_of_the_same_bytes_and_either_tag_validates(large, outcome):
    if outcome == "hit":
        page(large, 1)
    gzipped, plain = page(large, 1, **GZIP), page(large, 1)
    assert (gzipped.headers["X-Cache"], plain.headers["X-Cache"]) == (outcome, "hit")
    assert gzip.decompress(gzipped.data) == plain.data
    tag = plain.headers["ETag"].strip('"')
    assert gzipped.headers["ETag"] == f'"{tag}-gzip"'
    for full, encodings in ((gzipped, GZIP), (plain, {})):
        assert full.headers["Vary"] == "Accept-Encoding"
        head = large.head("/products/1/page", headers=encodings)
        names = (*ABOUT, "Content-Type", "Content-Length", "Content-Encoding")
        assert (head.status_code, head.data) == (200, b"")
        assert [head.headers.get(name) for name in names] == [full.headers.get(name) for name in names]
        for given in (f'"{tag}"', f'W/"{tag}-gzip"', f'"x", "{tag}"', "*"):
            known = page(large, 1, **encodings, **{"If-None-Match": given})
            assert (known.status_code, known.data, about(known)) == (304, b"", about(full))


def test_styles_are_not_packed_again(large, redis_url):
    gzipped = page(large, 1, **GZIP).data
    with probes.client(redis_url) as redis:
        styles = Entry.decode(redis.get("overview:styles:1")).body
    assert styles[60:-60] in gzipped


def test_an_entry_packed_by_the_release_before_makes_the_same_page(large, redis_url):
    plain, packed = page(large, 1).data, page(large, 1, **GZIP).data
    with probes.client(redis_url) as redis:
        stored = redis.get("overview:styles:1")
        body = Entry.decode(stored).body
        redis.set("overview:styles:1", stored[: -len(body)] + gzip.compress(gzip.decompress(body), mtime=0))
    gzipped = page(large, 1, **GZIP)
    assert gzipped.headers["X-Cache"] == "hit"
    assert page(large, 1).data == plain
    assert gzipped.data == packed  # under the same strong tag


def test_an_unknown_product_is_not_found_and_a_malformed_id_refused(client):
    for _ in range(2):
        problem(page(client, UNKNOWN), 404, "unknown-product", f"/products/{UNKNOWN}/page")
    for product_id in MALFORMED:
        assert list(problem(page(client, product_id), 400)) == ["product_id"], product_id


def test_a_query_or_a_slash_at_the_end_change_nothing(client):
    plain = page(client, 1)
    for path in ("/products/1/page/", "/products/1/page?x=1", "/products/1/page/?product_id=2"):
        response = client.get(path)
        assert (response.status_code, response.data, about(response)) == (200, plain.data, about(plain))


def test_its_tag_is_that_of_its_bytes(client, serve, own_database, closed_port):
    tags = {product_id: page(client, product_id).headers["ETag"] for product_id in catalogue.IDS}
    assert len(set(tags.values())) == len(tags)
    other = serve(own_database, f"redis://{closed_port}").test_client()
    bypassed = {product_id: page(other, product_id) for product_id in catalogue.IDS}
    assert {product_id: one.headers["ETag"] for product_id, one in bypassed.items()} == tags
    assert {one.headers["X-Cache"] for one in bypassed.values()} == {"bypass"}


@pytest.mark.parametrize("part", PARTS)
def test_it_is_as_good_as_the_worst_of_its_parts(serve, own_database, redis_url, part):
    client = serve(own_database, redis_url).test_client()
    assert [page(client, 1).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]
    with probes.client(redis_url) as redis:
        assert redis.delete(f"overview:{part}") == 1
    assert [page(client, 1).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]


@pytest.mark.parametrize("part", PARTS)
def test_without_postgres_it_is_whole_or_unavailable(serve, own_database, redis_url, closed_port, part):
    whole = page(serve(own_database, redis_url).test_client(), 1)
    other = serve(f"postgresql://{closed_port}/none", redis_url).test_client()
    hit = page(other, 1)
    assert (hit.status_code, hit.data, hit.headers["X-Cache"]) == (200, whole.data, "hit")
    with probes.client(redis_url) as redis:
        redis.delete(f"overview:{part}")
    problem(page(other, 1), 503)
