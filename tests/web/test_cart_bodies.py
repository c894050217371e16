import pytest

from tests.web.answers import problem

NO_OBJECTS = [
    *("", "{", "[]", "[1]", "1", '"9"', "null", "true", "\0", "{'NAME':9}", '{"NAME":"\x01"}', '\ufeff{"NAME":9}'),
    *('{"NAME":9,}', '{"NAME":9}{}', '{"NAME":9} x', '{"NAME":09}', "[" * 1900, '{"a":' * 300 + "1" + "}" * 300),
    *('{"NAME":9,"NAME":9}', '{"NAME":9,"x":1,"NAME":10}', '{"NAME":{"a":1,"a":1}}'),
    *(b"\xff", b'{"NAME":9,"x":"\xff"}', b'{"NAME":9}\xc0', '{"NAME":9}'.encode("utf-16")),
]
OTHER_FIELDS = [
    "{}",
    '{"NAME ":9}',
    '{"name":9}',
]
NO_INTEGERS = [
    *("1.0", "1e0", "true", "false", "null", "[1]", '{"a":1}', "1e400", "NaN", "Infinity", "-Infinity"),
    *(f'"{text}"' for text in ("", "1.0", "+1", "-1", " 1", "1" * 11, "٣", "x")),
]
NO_IDS = [*NO_INTEGERS, "0", "-1", "2147483648", "9" * 1900]
NO_COUNTS = [*NO_INTEGERS, "-1", "100", "9" * 1900]


def named(value):
    return repr(value)[:30]


def refused(client, method, path, body):
    errors = problem(client.open(path, method=method, data=body, content_type="application/json"), 400, path=path)
    assert client.get("/cart").data == b"[]"
    return set(errors)


@pytest.mark.parametrize("body", NO_OBJECTS + OTHER_FIELDS, ids=named)
def test_a_body_of_another_form_is_refused(client, body):
    body = body if isinstance(body, bytes) else body.encode()
    refused(client, "POST", "/cart", body.replace(b"NAME", b"sku_id"))
    refused(client, "PUT", "/cart/9", body.replace(b"NAME", b"count"))
    refused(client, "POST", "/cart/merge", body.replace(b"NAME", b"token"))


@pytest.mark.parametrize("sku_id", NO_IDS, ids=named)
def test_a_sku_id_in_a_body_is_an_integer_in_range(client, sku_id):
    assert refused(client, "POST", "/cart", f'{{"sku_id":{sku_id}}}') <= {"sku_id"}


@pytest.mark.parametrize("count", [*NO_COUNTS, "0"], ids=named)
def test_an_addition_is_of_1_to_99(client, count):
    assert refused(client, "POST", "/cart", f'{{"sku_id":9,"count":{count}}}') <= {"count"}


@pytest.mark.parametrize("count", NO_COUNTS, ids=named)
def test_a_line_is_set_to_0_to_99(client, count):
    assert refused(client, "PUT", "/cart/9", f'{{"count":{count}}}') <= {"count"}


def test_every_wrong_field_is_told(client):
    assert refused(client, "POST", "/cart", '{"count":100,"ž\\ud800":1}') == {"sku_id", "count"}
    assert refused(client, "POST", "/cart", '{"sku_id":1,"sku_id":1,"count":2,"count":2,"x":1}') == {"sku_id", "count"}
    assert refused(client, "PUT", "/cart/9", '{"sku_id":9}') == {"count"}


@pytest.mark.parametrize("sku_id", ["0", "01", "-1", "+1", "1.0", "abc", "2147483648", "9" * 5000, "٣", "1%00", "%20"])
def test_a_malformed_sku_id_in_a_path_is_refused(client, sku_id):
    for method in ("PUT", "DELETE"):
        errors = problem(client.open(f"/cart/{sku_id}", method=method, json={"count": 1}), 400)
        assert list(errors) == ["sku_id"]
