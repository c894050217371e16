"""Pages on the fast path: the same as Flask's in every form, complete or unavailable, and counted by their parts."""

import gzip
import http.client
import json
import re
from contextlib import closing

import pytest

from deploy.local import probes
from tests.chaos.waits import wait_until
from tests.worker.test_counts import samples

FORMS = [{}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "gzip;q=0"}]
OWN = ("product", "styles", "related")
PARTS = ["product:1", "styles:1", "related:1", "summary:51", "summary:21"]  # product 1 has four related ones


@pytest.fixture(scope="module")
def instance(launch):
    return launch()


@pytest.fixture(scope="module")
def without_postgres(launch, free_port):
    return launch(DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port('nobody')}/none", LOG_LEVEL="CRITICAL")


@pytest.fixture
def redis(given):
    with probes.client(given["REDIS_URL"]) as client:
        yield client


def ask(instance, path, method="GET", **headers):
    with closing(http.client.HTTPConnection(instance.address, timeout=10)) as connection:
        connection.request(method, path, headers={"Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()


def on_both_paths(instance, product_id, *request, **headers):
    """Answers to the same request, without what is of a moment: one with a query is never read in the event loop."""
    found = [ask(instance, f"/products/{product_id}/page{query}", *request, **headers) for query in ("", "?")]
    of_a_moment = ("Date", "X-Request-Id", "Server-Timing")
    assert ["Server-Timing" in about for _, about, _ in found] == [False, True]
    return [(status, {k: v for k, v in about.items() if k not in of_a_moment}, body) for status, about, body in found]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_it_is_the_same_as_of_the_application(instance, form, method):
    for product_id in (*range(1, 61), 999):
        ask(instance, f"/products/{product_id}/page")
        fast, slow = on_both_paths(instance, product_id, method, **form)
        assert fast == slow
        assert fast[0] == (404 if product_id == 999 else 200)
        known = {"If-None-Match": fast[1].get("ETag", "*")}
        fast, slow = on_both_paths(instance, product_id, method, **form, **known)
        assert fast == slow
        assert fast[0] == (404 if product_id == 999 else 304)


@pytest.mark.parametrize("form", FORMS)
def test_a_page_is_its_parts_joined(instance, form):
    for product_id in range(1, 61):
        bodies = [ask(instance, f"/products/{product_id}{suffix}")[2] for suffix in ("", "/styles", "/related")]
        product, styles, related = bodies
        results = re.fullmatch(rb'\{"product_id":"\d+","results":(.*)\}', styles)[1]
        _, about, body = ask(instance, f"/products/{product_id}/page", **form)
        page = gzip.decompress(body) if "Content-Encoding" in about else body
        start = b'{"product":' + product + b',"styles":' + results + b',"related":['
        assert page.startswith(start)
        assert [one["id"] for one in json.loads(page)["related"]] == list(dict.fromkeys(json.loads(related)))


@pytest.mark.parametrize("emptied", [[], *([part] for part in PARTS), PARTS])
def test_what_is_missing_is_loaded_and_the_rest_comes_from_the_cache(instance, redis, emptied):
    whole = ask(instance, "/products/1/page")[2]
    if emptied:
        assert redis.delete(*(f"overview:{part}" for part in emptied)) == len(emptied)
    before = samples(instance)
    status, about, body = ask(instance, "/products/1/page")
    assert (status, about["X-Cache"], body) == (200, "miss" if emptied else "hit", whole)
    now = samples(instance)
    counted = {
        (dict(labels[1:])["kind"], dict(labels[1:])["outcome"]): int(value - before[labels])
        for labels, value in now.items()
        if labels[0] == "overview_documents_total" and value != before[labels]
    }
    related = len(json.loads(body)["related"])
    expected = {(kind, "hit"): 1 for kind in OWN} | {("summary", "hit"): related}
    for part in emptied:
        kind = part.partition(":")[0]
        expected[kind, "miss"] = expected.get((kind, "miss"), 0) + 1
        expected[kind, "hit"] -= 1
    assert counted == {labels: count for labels, count in expected.items() if count}
    of_route = [
        (dict(labels[1:]).get("endpoint"), value - before.get(labels, 0))
        for labels, value in now.items()
        if labels[0] == "overview_request_seconds_count" and "/page" in str(labels)
    ]
    assert ("/products/<product_id>/page", 1) in of_route


@pytest.mark.parametrize("part", PARTS)
def test_without_postgres_a_page_is_whole_or_unavailable(instance, without_postgres, redis, part):
    whole = ask(instance, "/products/1/page")[2]
    for status, about, body in on_both_paths(without_postgres, 1):
        assert (status, about["X-Cache"], body) == (200, "hit", whole)
    assert redis.delete(f"overview:{part}") == 1
    for status, about, body in on_both_paths(without_postgres, 1):
        assert (status, about["Content-Type"], about["Retry-After"]) == (503, "application/problem+json", "1")
        assert json.loads(body)["instance"] == "/products/1/page"
    other = ask(without_postgres, "/products/1/page", "HEAD")
    assert (other[0], other[2]) == (503, b"")


def test_without_redis_it_is_read_from_postgres(launch, instance, free_port):
    bypassing = launch(REDIS_URL=f"redis://127.0.0.1:{free_port('no redis')}/0")
    whole = ask(instance, "/products/1/page")[2]
    wait_until(lambda: ask(bypassing, "/readyz")[0] == 200)
    for status, about, body in on_both_paths(bypassing, 1):
        assert (status, about["X-Cache"], body) == (200, "bypass", whole)
