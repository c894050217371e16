"""A document above a kilobyte has two forms, and either tag validates."""

import gzip

import pytest

from deploy.local import probes
from tests.web import catalogue
from tests.web.test_conditional import ABOUT, about

ENTITY = ["Content-Type", "Content-Length", "Content-Encoding"]
LARGE, SMALL = "/products/5/styles", "/products/7/styles"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def large(serve, own_database, redis_url):
    """A caller of a catalogue with styles above a kilobyte."""
    rows = [("products", (5, "Chest", "", "", "Boxes", 5)), ("styles", (50, 5, "Oak", 5, None, True))]
    rows += [("photos", (500 + n, 50, f"https://pictures.example/{n}.jpg", "")) for n in range(40)]
    catalogue.execute(own_database, *((catalogue.insertion(table, row), row) for table, row in rows))
    return serve(own_database, redis_url).test_client()


@pytest.mark.parametrize("outcome", ["miss", "hit"])
def test_a_document_above_a_kilobyte_has_two_forms_of_the_same_bytes(large, outcome):
    if outcome == "hit":
        large.get(LARGE)
    gzipped = large.get(LARGE, headers=GZIP)
    plain = large.get(LARGE)
    assert gzipped.headers["X-Cache"] == outcome
    assert (gzipped.headers["Content-Encoding"], "Content-Encoding" in plain.headers) == ("gzip", False)
    assert gzip.decompress(gzipped.data) == plain.data
    assert len(gzipped.data) < len(plain.data) / 4
    assert gzipped.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'
    for full, encodings in ((gzipped, GZIP), (plain, {})):
        assert full.headers["Vary"] == "Accept-Encoding"
        assert full.headers["Content-Length"] == str(len(full.data))
        head = large.head(LARGE, headers=encodings)
        assert (head.status_code, head.data) == (200, b"")
        assert [head.headers.get(name) for name in (*ABOUT, *ENTITY)] == [
            full.headers.get(n) for n in (*ABOUT, *ENTITY)
        ]


@pytest.mark.parametrize("encodings", [GZIP, {}, {"Accept-Encoding": "gzip;q=0"}])
@pytest.mark.parametrize("given", ['"{0}"', '"{0}-gzip"', 'W/"{0}-gzip"', '"x", "{0}-gzip"', '"x-gzip" , W/"{0}"', "*"])
def test_either_tag_validates_either_form(large, encodings, given):
    full, tag = large.get(LARGE, headers=encodings), large.get(LARGE).headers["ETag"].strip('"')
    for method in ("GET", "HEAD"):
        known = {"If-None-Match": given.format(tag), **encodings}
        response = large.open(LARGE, method=method, headers=known)
        assert (response.status_code, response.data) == (304, b"")
        assert about(response) == about(full)
        assert not {"Content-Length", "Content-Type", "Content-Encoding"} & set(response.headers.keys())


def test_small_documents_lists_and_errors_have_one_form(large):
    for path in (SMALL, "/products/5", "/products?count=5", "/products/5/nothing", "/products/x"):
        plain, asked = large.get(path), large.get(path, headers=GZIP)
        assert plain.status_code == asked.status_code
        assert about(plain) == about(asked)
        assert not {"Content-Encoding", "Vary"} & set(asked.headers.keys())


def test_without_redis_it_is_gzipped_all_the_same(large, serve, own_database, closed_port):
    other = serve(own_database, f"redis://{closed_port}").test_client()
    bypass, miss = other.get(LARGE, headers=GZIP), large.get(LARGE, headers=GZIP)
    assert (bypass.headers["X-Cache"], bypass.data, about(bypass)) == ("bypass", miss.data, about(miss))


def test_an_entry_of_the_release_before_is_a_miss_and_is_replaced(large, redis_url):
    with probes.client(redis_url) as redis:
        large.get(LARGE)
        (name,) = redis.keys("*:styles:5")
        redis.set(name, b"\x02" + redis.get(name)[1:])
        assert [large.get(LARGE, headers=GZIP).headers["X-Cache"] for _ in range(2)] == ["miss", "hit"]


def test_a_card_above_a_kilobyte_is_whole_in_a_list(large, own_database):
    words = "Dovetailed, oiled, and heavy. " * 60
    catalogue.execute(own_database, ("UPDATE products SET description = %s WHERE id = 5", (words,)))
    for _ in range(2):
        assert large.get("/products?ids=5,1").json[0]["description"] == words
