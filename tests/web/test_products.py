import pytest

from tests.web import catalogue
from tests.web.answers import compact, problem
from tests.web.catalogue import UNKNOWN, card, execute

NO_PHOTOS = [{"thumbnail_url": None, "url": None}]
NO_SKUS = {"null": {"quantity": None, "size": None}}


def style(style_id, name, original_price, sale_price, default, photos, skus):
    return {
        "style_id": style_id,
        "name": name,
        "original_price": original_price,
        "sale_price": sale_price,
        "default?": default,
        "photos": photos,
        "skus": skus,
    }


def photo(name, scheme="https"):
    pictures = "://pictures.example/"
    return {"thumbnail_url": f"{scheme}{pictures}{name[0]}-small.jpg", "url": f"https{pictures}{name}"}


FEATURES = {
    1: [
        {"feature": "Glass", "value": None},
        {"feature": "Glass", "value": None},
        {"feature": "Wick", "value": "Cotton"},
    ],
    3: [{"feature": 'Say "ahoj"', "value": "back\\slash"}],
    7: [{"feature": "Wood", "value": ""}],
}
STYLES = {
    1: [
        style(
            *(11, "Polished", "140", None, True),
            [photo("a.jpg?w=1&h=2", "uhttps"), photo("b.jpg")],
            {
                "9": {"quantity": 0, "size": "S"},
                "10": {"quantity": 8, "size": "XL"},
                "100": {"quantity": 3, "size": "XL"},
            },
        ),
        style(12, "Black", "0", None, False, NO_PHOTOS, {"37": {"quantity": 16, "size": '7½"'}}),
        style(13, "Tarnished", "140", "100", False, [{"thumbnail_url": "", "url": ""}], NO_SKUS),
    ],
    3: [style(31, "Žíhaný\n", "7", None, False, NO_PHOTOS, NO_SKUS)],
    9: [
        style(*(90, "Tarred", "2147483647", None, True), NO_PHOTOS, {"901": {"quantity": 2147483647, "size": "M"}}),
        style(
            *(91, "Bare", "35", "30", False),
            NO_PHOTOS,
            {"911": {"quantity": 4, "size": "10 m"}, "912": {"quantity": 2, "size": "20 m"}},
        ),
    ],
}
RELATED = {1: [1, 9, 9, 2], 7: [4444]}

MALFORMED = [
    *("0", "00", "01", "+1", "-1", "%201", "1%20", "%091", "1%0A", "1.0", "1.", "1e3", "0x1", "1_0", "abc", "null"),
    *("٣", "1٣", "\uff11", "²", "%31%00", "%00", "%FF", "1,2", "1'--", '"1"', "2147483648", "9999999999", "9" * 300),
    *("9" * 5000, "<script>", "{}", "%25", "..."),
]


@pytest.mark.parametrize("product_id", catalogue.IDS)
def test_documents_are_these_bytes(client, product_id):
    product = client.get(f"/products/{product_id}")
    assert product.data == compact({**card(product_id), "features": FEATURES.get(product_id, [])})
    styles = client.get(f"/products/{product_id}/styles")
    assert styles.data == compact({"product_id": str(product_id), "results": STYLES.get(product_id, [])})
    related = client.get(f"/products/{product_id}/related")
    assert related.data == compact(RELATED.get(product_id, []))
    assert {one.content_type for one in (product, styles, related)} == {"application/json; charset=utf-8"}
    assert {one.status_code for one in (product, styles, related)} == {200}


def test_a_document_is_spelt_like_this(client):
    assert client.get("/products/2").data == (
        b'{"id":2,"name":"Plain Box","slogan":"","description":"","category":"Boxes","default_price":"0","features":[]}'
    )
    assert client.get("/products/3").data.decode() == (
        '{"id":3,"name":"Žluťoučký kůň 🐎","slogan":"one\\ntwo\\tthree\\r",'
        '"description":"\\\\ \\" / <b> \' \\u0001\\b\\f\\u001f\x7f\u2028\u2029",'
        '"category":"灯り","default_price":"7","features":[{"feature":"Say \\"ahoj\\"","value":"back\\\\slash"}]}'
    )
    assert client.get("/products/3/styles").data.decode() == (
        '{"product_id":"3","results":[{"style_id":31,"name":"Žíhaný\\n","original_price":"7","sale_price":null,'
        '"default?":false,"photos":[{"thumbnail_url":null,"url":null}],'
        '"skus":{"null":{"quantity":null,"size":null}}}]}'
    )


@pytest.mark.parametrize("below", ["", "/styles", "/related"])
def test_an_unknown_product_is_not_found_each_time(client, below):
    for product_id in (UNKNOWN, 2147483646):
        for _ in range(2):  # the second answer comes from the cache
            path = f"/products/{product_id}{below}"
            assert problem(client.get(path), 404, "unknown-product", path) == {}


@pytest.mark.parametrize("below", ["", "/styles", "/related"])
def test_a_malformed_id_is_refused(client, below):
    for product_id in MALFORMED:
        errors = problem(client.get(f"/products/{product_id}{below}"), 400)
        assert list(errors) == ["product_id"], product_id


@pytest.mark.parametrize(
    "path", ["/products//", "/products//styles", "//products/1", "/products/1//", "/products/1/styles/x"]
)
def test_a_path_without_an_id_is_unknown(client, path):
    problem(client.get(path), 404, "not-found")


@pytest.mark.parametrize("below", ["", "/styles", "/related"])
@pytest.mark.parametrize("query", ["x=1", "page=1", "count=", "=", "a=1&a=2", "%FF=1"])
def test_a_query_or_a_slash_at_the_end_change_nothing_of_a_document(client, below, query):
    plain = client.get(f"/products/1{below}")
    for path in (f"/products/1{below}?{query}", f"/products/1{below}/", f"/products/1{below}/?{query}"):
        response = client.get(path)
        assert (response.status_code, response.data, response.headers["ETag"]) == (
            200,
            plain.data,
            plain.headers["ETag"],
        )
        assert client.head(path).status_code == 200


def test_a_product_that_comes_to_be_or_changes_shows_at_once_without_cache(own_database, serve, closed_port):
    client = serve(own_database, f"redis://{closed_port}").test_client()
    problem(client.get(f"/products/{UNKNOWN}"), 404, "unknown-product")
    row = (UNKNOWN, "New", "s", "d", "c", 1)
    execute(own_database, (catalogue.insertion("products", row), row))
    assert client.get(f"/products/{UNKNOWN}/related").data == b"[]"
    execute(own_database, ("DELETE FROM skus WHERE style_id = 11", ()), ("UPDATE styles SET sale_price = 0", ()))
    first = client.get("/products/1/styles").json["results"]
    assert first[0]["skus"] == NO_SKUS
    assert [one["sale_price"] for one in first] == [None, None, None]
