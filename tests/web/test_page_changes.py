"""A change of any part of a page shows once its invalidation is delivered, and only on the pages that show it."""

import json

import pytest

from service.cache.redis_store import RedisStore
from service.catalogue.outbox import Outbox
from service.postgres import Postgres
from tests.web.catalogue import execute
from tests.web.test_page import page


@pytest.fixture
def drain(own_database, redis_url):
    """Delivers what has changed."""
    postgres, redis = Postgres(own_database, 1, 5.0), RedisStore(redis_url, 1.0)
    yield Outbox(postgres, redis).drain
    postgres.close()
    redis.close()


@pytest.fixture
def client(drain, serve, own_database, redis_url):
    drain()
    return serve(own_database, redis_url).test_client()


def of_product(shown):
    return shown["product"]


def of_style(shown):
    return next(style for style in shown["styles"] if style["style_id"] == 11)


def of_related(shown):
    return next((one for one in shown["related"] if one["id"] == 9), None)


# What changes, and where on the page of product 1, to which 1, 9 and 2 are related, it shows.
CHANGES = {
    "name": ("UPDATE products SET name = 'New' WHERE id = 1", lambda shown: of_product(shown)["name"], "New"),
    "feature": ("DELETE FROM features WHERE product_id = 1", lambda shown: of_product(shown)["features"], []),
    "style": ("UPDATE styles SET sale_price = 5 WHERE id = 11", lambda shown: of_style(shown)["sale_price"], "5"),
    "photo": (
        "UPDATE photos SET url = 'new' WHERE id = 51",
        lambda shown: of_style(shown)["photos"][0]["url"],
        "new",
    ),
    "sku": (
        "UPDATE skus SET quantity = 77 WHERE id = 9",
        lambda shown: of_style(shown)["skus"]["9"]["quantity"],
        77,
    ),
    "related list": (
        "DELETE FROM related_products WHERE product_id = 1 AND related_product_id <> 2",
        lambda shown: [one["id"] for one in shown["related"]],
        [2],
    ),
    "order of the list": (
        "UPDATE related_products SET id = 99 WHERE id = 3",
        lambda shown: [one["id"] for one in shown["related"]],
        [9, 2, 1],
    ),
    "a related product's name": (
        "UPDATE products SET name = 'New' WHERE id = 9",
        lambda shown: of_related(shown)["name"],
        "New",
    ),
    "its price": (
        "UPDATE styles SET original_price = 36 WHERE id = 90",
        lambda shown: of_related(shown)["original_price"],
        "36",
    ),
    "its picture": (
        "INSERT INTO photos VALUES (900, 90, 'u', 't')",
        lambda shown: of_related(shown)["thumbnail_url"],
        "t",
    ),
    "its default style": (
        "UPDATE styles SET default_style = id = 91 WHERE product_id = 9",
        lambda shown: (of_related(shown)["original_price"], of_related(shown)["sale_price"]),
        ("35", "30"),
    ),
    "its styles": (
        "DELETE FROM styles WHERE product_id = 9",
        lambda shown: [of_related(shown)[name] for name in ("original_price", "sale_price", "thumbnail_url")],
        [None] * 3,
    ),
    "its end": ("DELETE FROM products WHERE id = 9", of_related, None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_shows_after_its_invalidation(client, drain, own_database, name):
    sql, shown, expected = CHANGES[name]
    page(client, 1)
    page(client, 7)
    before = page(client, 1)
    assert before.headers["X-Cache"] == "hit"
    assert shown(json.loads(before.data)) != expected
    execute(own_database, (sql, ()))
    assert page(client, 1).data == before.data
    drain()
    after = page(client, 1, **{"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.headers["X-Cache"]) == (200, "miss")
    assert shown(json.loads(after.data)) == expected
    assert page(client, 7).headers["X-Cache"] == "hit"


def test_a_related_product_that_comes_to_be_is_shown(client, drain, own_database):
    assert [json.loads(page(client, 7).data)["related"] for _ in range(2)] == [[], []]
    execute(own_database, ("INSERT INTO products VALUES (4444, 'New', '', '', '', 1)", ()))
    drain()
    assert [one["id"] for one in json.loads(page(client, 7).data)["related"]] == [4444]


def test_a_product_that_is_deleted_has_no_page(client, drain, own_database):
    assert page(client, 9).status_code == 200
    execute(own_database, ("DELETE FROM products WHERE id = 9", ()))
    drain()
    assert page(client, 9).status_code == 404


def test_a_stale_part_makes_a_stale_page(client, serve, own_database, redis_url):
    fresh = page(client, 9)
    other = serve(own_database, redis_url, cache_fresh_seconds=1.0).test_client()  # what is kept longer is old to it
    stale = page(other, 9)
    assert (stale.headers["X-Cache"], stale.data) == ("stale", fresh.data)
