import pytest

from tests.web.answers import compact, problem
from tests.web.catalogue import IDS, UNKNOWN, card, execute

LAST = IDS[-1]


def ids(response):
    assert response.status_code == 200, response.data
    assert response.data == compact([card(one["id"]) for one in response.json])
    return [one["id"] for one in response.json]


def next_of(response):
    """The target of the Link header, None without one."""
    link = response.headers.get("Link")
    if link is None:
        return None
    assert link.startswith("<")
    assert link.endswith('>; rel="next"')
    return link.removeprefix("<").removesuffix('>; rel="next"')


PAGES = [
    ("", IDS[:5], "page=2&count=5"),
    ("page=&count=", IDS[:5], "page=2&count=5"),
    ("page", IDS[:5], "page=2&count=5"),
    ("page=1", IDS[:5], "page=2&count=5"),
    ("page=2", IDS[5:], None),
    ("count=1", IDS[:1], "page=2&count=1"),
    ("page=2&count=1", IDS[1:2], "page=3&count=1"),
    ("count=3&page=2", IDS[3:6], "page=3&count=3"),
    ("page=3&count=3", IDS[6:], None),
    ("count=6", IDS[:6], "page=2&count=6"),
    ("count=7", IDS, None),
    ("count=100", IDS, None),
    ("count=10000", IDS, None),
    ("count=" + "9" * 5000, IDS, None),
    ("page=2&count=10000", [], None),
    ("_=1700000000&utm_source=x&product_id=3&other=1&other=2&%FF=1&=1&PAGE=7", IDS[:5], "page=2&count=5"),
    ("page=7&count=1", IDS[6:], None),
    ("page=8&count=1", [], None),
    ("page=3", [], None),
    ("page=2147483648&count=100", [], None),
    (f"page={2**63}", [], None),
    ("page=" + "9" * 300, [], None),
    ("page=" + "9" * 5000, [], None),
]
AFTER = [
    ("after=1", IDS[1:6], "after=10&count=5"),
    ("after=1&count=2", IDS[1:3], "after=3&count=2"),
    ("after=3&count=2", [7, 9], "after=9&count=2"),
    ("after=4&count=2", [7, 9], "after=9&count=2"),
    ("after=9&count=", [10, LAST], None),
    ("after=10&count=1", [LAST], None),
    (f"after={LAST - 1}", [LAST], None),
    (f"after={LAST}", [], None),
]


@pytest.mark.parametrize(("query", "expected", "following"), PAGES + AFTER, ids=lambda value: str(value)[:30])
def test_a_list_is_ascending_and_links_to_what_follows(client, query, expected, following):
    response = client.get(f"/products?{query}")
    assert ids(response) == expected
    assert next_of(response) == (following and f"/products?{following}")


@pytest.mark.parametrize("start", ["/products?count=1", "/products?count=2", "/products?after=1&count=1"])
def test_following_the_links_shows_every_product_once(client, start):
    seen, path = [], start
    while path:
        response = client.get(path)
        seen += ids(response)
        path = next_of(response)
    assert seen == (IDS[1:] if "after" in start else IDS)


def test_more_than_a_hundred_are_answered_with_a_hundred_and_a_link_to_the_rest(own_database, serve, closed_port):
    rows = "INSERT INTO products SELECT n, 'p', '', '', '', 1 FROM generate_series(1001, 1250) n"
    execute(own_database, ("TRUNCATE products CASCADE", ()), (rows, ()))
    client = serve(own_database, f"redis://{closed_port}").test_client()
    seen, path = [], "/products?page=1&count=10000"
    while path:
        response = client.get(path)
        seen.append([one["id"] for one in response.json])
        path = next_of(response)
    assert seen == [list(range(1001, 1101)), list(range(1101, 1201)), list(range(1201, 1251))]
    second = client.get("/products?page=2&count=120")  # the page of the size that was asked for
    assert [one["id"] for one in second.json] == list(range(1121, 1221))
    assert next_of(second) == "/products?after=1220&count=100"


def test_a_slash_at_the_end_makes_no_difference(client):
    for query in ("", "?page=1", "?ids=3,1"):
        with_slash, without = client.get(f"/products/{query}"), client.get(f"/products{query}")
        assert (with_slash.status_code, with_slash.data) == (200, without.data)
        assert with_slash.headers.get("Link") == without.headers.get("Link")


def test_an_empty_list_is_two_bytes(client):
    assert client.get("/products?page=99").data == b"[]"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("9", [9]),
        ("3,1,2", [3, 1, 2]),
        ("10,9", [10, 9]),
        (f"3,{UNKNOWN},1,4", [3, 1]),
        ("2,1,2,2", [2, 1, 2, 2]),
        (f"{LAST},{UNKNOWN}", [LAST]),
        (str(UNKNOWN), []),
        (",".join(str(n) for n in range(100, 0, -1)), sorted(IDS[:-1], reverse=True)),
        ("3%2C1", [3, 1]),
        (",".join(["1"] * 100), [1] * 100),
    ],
    ids=lambda value: str(value)[:30],
)
def test_certain_products_come_in_the_order_asked(client, asked, shown):
    for _ in range(2):  # the second answer comes from the cache
        response = client.get(f"/products?ids={asked}")
        assert ids(response) == shown
        assert next_of(response) is None


REFUSED = [
    *((f"page={value}", "page") for value in ("0", "-1", "01", "1.0", "1e3", "%2B1", "+1", "a", "1,2", "٣", "%00")),
    *((f"count={value}", "count") for value in ("0", "-5", "05", "5.0", "%205", "null")),
    *((f"after={value}", "after") for value in ("", "0", "-1", "2147483648", "9" * 5000, "x", "1%20", "01")),
    *((f"ids={value}", "ids") for value in ("", ",", "1,", ",1", "1,,2", "0", "1,0", "1;2", "1,%202", "2147483648")),
    ("ids=" + ",".join(["1"] * 101), "ids"),
    ("ids=" + "," * 3000, "ids"),
    *((f"{name}=1&{name}=1", name) for name in ("page", "count", "after", "ids")),
    ("page=1&page=", "page"),
    ("page=&page=", "page"),
    ("page=1&after=1", "after"),
    ("page=1&ids=1", "ids"),
    ("after=1&ids=1", "ids"),
    ("count=5&ids=1", "count"),
    ("ids=1&page=1&after=1", "ids"),
]


@pytest.mark.parametrize(("query", "name"), REFUSED, ids=lambda value: str(value)[:30])
def test_a_query_that_means_nothing_is_refused(client, query, name):
    assert list(problem(client.get(f"/products?{query}"), 400, path="/products")) == [name]


def test_every_wrong_name_is_told(client):
    assert set(problem(client.get("/products?page=0&count=0&after=0&ids=0&x=1"), 400)) == {
        *("page", "count", "after", "ids")
    }
