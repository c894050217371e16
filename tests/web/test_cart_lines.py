import pytest

from tests.web.answers import compact
from tests.web.catalogue import execute

KEYS = (
    *("sku_id", "count", "product_id", "product_name", "style_id", "style_name", "size"),
    *("unit_price", "line_total", "thumbnail_url", "in_stock"),
    *("available", "original_price", "on_sale", "gone"),
)


def lines(*rows, total):
    return compact({"lines": [dict(zip(KEYS, row, strict=True)) for row in rows], "total": total})


@pytest.fixture
def client(serve, own_database, redis_url):
    return serve(own_database, redis_url, cart_max_lines=10).test_client()


def put(client, **counts):
    for sku, count in counts.items():
        assert client.put(f"/cart/{sku.removeprefix('sku')}", json={"count": count}).status_code == 204


def test_lines_have_names_prices_and_the_total(client):
    put(client, sku911=5, sku37=16, sku10=2, sku9=1)
    response = client.get("/cart/lines")
    assert response.content_type == "application/json; charset=utf-8"
    small = "uhttps://pictures.example/a-small.jpg"
    assert response.data == lines(
        (9, 1, 1, "Harbour Lantern", 11, "Polished", "S", "140", "140", small, False, 0, "140", False, False),
        (10, 2, 1, "Harbour Lantern", 11, "Polished", "XL", "140", "280", small, True, 8, "140", False, False),
        (37, 16, 1, "Harbour Lantern", 12, "Black", '7½"', "0", "0", None, True, 16, "0", False, False),
        (911, 5, 9, "Rope", 91, "Bare", "10 m", "30", "150", None, False, 4, "35", True, False),
        total="570",
    )


def test_the_sale_price_counts_unless_null_or_nothing(client, own_database):
    put(client, sku911=2)
    for sale, unit in ((None, 35), (0, 35), (30, 30), (99, 99), (2147483647, 2147483647)):
        execute(own_database, ("UPDATE styles SET sale_price = %s WHERE id = 91", (sale,)))
        line = (911, 2, 9, "Rope", 91, "Bare", "10 m", str(unit), str(unit * 2), None, True, 4, "35", bool(sale), False)
        assert client.get("/cart/lines").data == lines(line, total=str(unit * 2))


def test_totals_pass_what_an_int_holds(client):
    put(client, sku901=99, sku912=1)
    body = client.get("/cart/lines").json
    assert [line["line_total"] for line in body["lines"]] == [str(2147483647 * 99), "30"]
    assert body["total"] == str(2147483647 * 99 + 30)


def test_a_line_is_in_stock_if_there_are_as_many_as_asked(client, own_database):
    put(client, sku911=5)
    for quantity, in_stock in ((0, False), (4, False), (5, True), (6, True)):
        execute(own_database, ("UPDATE skus SET quantity = %s WHERE id = 911", (quantity,)))
        (line,) = client.get("/cart/lines").json["lines"]
        assert (line["in_stock"], line["available"]) == (in_stock, quantity)


def test_a_sku_that_left_the_catalogue_stays_without_price_and_can_only_be_removed(client, own_database):
    put(client, sku911=2, sku912=1)
    execute(own_database, ("DELETE FROM skus WHERE id = 911", ()))
    gone = (911, 2, None, None, None, None, None, None, None, None, False, None, None, False, True)
    kept = (912, 1, 9, "Rope", 91, "Bare", "20 m", "30", "30", None, True, 2, "35", True, False)
    assert client.get("/cart/lines").data == lines(gone, kept, total="30")
    assert client.get("/cart").data == b'[{"sku_id":911,"count":2},{"sku_id":912,"count":1}]'
    assert client.post("/cart", json={"sku_id": 911}).status_code == 422
    assert client.put("/cart/911", json={"count": 1}).status_code == 422
    assert client.put("/cart/911", json={"count": 0}).status_code == 204
    assert client.get("/cart/lines").data == lines(kept, total="30")


def test_a_catalogue_without_anything_left_costs_nothing(client, own_database):
    put(client, sku911=2)
    execute(own_database, ("DELETE FROM products", ()))
    body = client.get("/cart/lines").json
    assert ([line["gone"] for line in body["lines"]], body["total"]) == ([True], "0")


def test_texts_are_escaped_as_everywhere(client, own_database):
    put(client, sku911=1)
    text = 'é "\\\n\x01\u2028🐎'
    execute(
        own_database,
        ("UPDATE products SET name = %s", (text,)),
        ("UPDATE styles SET name = %s", (text,)),
        ("UPDATE skus SET size = %s", (text,)),
        ("INSERT INTO photos VALUES (1, 91, '', %s)", (text,)),
    )
    assert client.get("/cart/lines").data == lines(
        (911, 1, 9, text, 91, text, text, "30", "30", text, True, 4, "35", True, False), total="30"
    )
