"""Over a cluster the fast path's bytes are the application's, and lists are those of a plain Redis, in every form.

The keys of a page, and of a list, are on several masters.
"""

import http.client
from contextlib import closing

import pytest

from deploy.local import probes
from service.cache.entry import Entry
from service.cache.keys import entry_name
from service.cache.slots import slot_of
from service.catalogue import Kind
from tests.chaos.waits import wait_until
from tests.integration.clusters import home_of

READS = [f"/products/{number}{suffix}" for number in (1, 50, 999) for suffix in ("", "/styles", "/related", "/page")]
LISTS = ["/products?ids=3,1,999,2,60", "/products?page=2&count=7", "/products?after=9&count=3"]
FORMS = [
    ("GET", {}),
    ("HEAD", {"Accept-Encoding": "gzip"}),
    ("GET", {"Accept-Encoding": "gzip"}),
    ("GET", {"Accept-Encoding": "gzip;q=0"}),
    ("GET", {"If-None-Match": "{}"}),
    ("HEAD", {"If-None-Match": "{}", "Accept-Encoding": "gzip"}),
]
QUICK = {"COVERAGE_PROCESS_CONFIG": ""}  # test_worker.py covers the worker
OF_A_MOMENT = ("Date", "X-Request-Id", "Server-Timing")


@pytest.fixture(scope="module")
def instance(cluster, launch):
    return launch(REDIS_URL=cluster.url, **QUICK)


@pytest.fixture(scope="module")
def plain(launch):
    return launch(**QUICK)


@pytest.fixture(scope="module")
def without_postgres(cluster, launch, closed_port):
    database_url = f"postgresql://nobody@{closed_port}/none"
    return launch(REDIS_URL=cluster.url, DATABASE_URL=database_url, LOG_LEVEL="CRITICAL", **QUICK)


def ask(instance, path, method, headers):
    """Status, headers without those of a moment, and body."""
    with closing(http.client.HTTPConnection(instance.address, timeout=10)) as connection:
        connection.request(method, path, headers={"Accept-Encoding": "identity", **headers})
        response = connection.getresponse()
        about = {name: value for name, value in response.getheaders() if name not in OF_A_MOMENT}
        assert ("Server-Timing" in response.headers) == ("?" in path)  # with a query it is not read in the event loop
        return response.status, about, response.read()


def outcomes_of_equal_answers(pairs, before_each=lambda: None, differs=()):
    """X-Cache of what both of each pair, an instance and a path, answer alike but for headers of these names."""
    seen = set()
    for one, other in pairs:
        tag = ask(*one, "GET", {})[1].get("ETag")
        for method, headers in FORMS:
            given = {name: value.format(tag) for name, value in headers.items()}
            answers = []
            for asked in (one, other):
                before_each()
                status, about, body = ask(*asked, method, given)
                seen.add(about.get("X-Cache", status))
                answers.append((status, {name: about[name] for name in about if name not in differs}, body))
            assert answers[0] == answers[1], (one, method, given)
            assert answers[0][0] == (404 if tag is None else 304 if "If-None-Match" in given else 200)
    return seen


def on_both_paths(instance):
    return [((instance, path), (instance, f"{path}?")) for path in READS]


def entries(cluster):
    """Each client of a master with the name of an entry that it has."""
    for master in cluster.masters:
        yield from ((master.client, name) for name in master.client.keys("overview:*") if b"{" not in name)


def forget(cluster):
    for client, name in entries(cluster):
        client.delete(name)


def make_stale(cluster):
    for client, name in entries(cluster):
        stale = Entry.decode(client.get(name))._replace(fresh_until=0.0)
        client.set(name, stale.encode(), keepttl=True)


def masters_of(kind, *ids):
    return {home_of(slot_of(entry_name(kind, number))) for number in ids}


def warm(instance, paths):
    for path in paths:
        ask(instance, path, "GET", {})


@pytest.fixture
def lists(instance, plain):
    warm(instance, LISTS)
    warm(plain, LISTS)
    return [((instance, path), (plain, path)) for path in LISTS]


def test_the_keys_of_a_page_and_of_a_list_are_on_several_masters():
    assert len(masters_of(Kind.PRODUCT, 1) | masters_of(Kind.STYLES, 1) | masters_of(Kind.RELATED, 1)) > 1
    assert len(masters_of(Kind.CARD, 3, 1, 2, 60)) > 1


def test_hits_and_misses_on_both_paths(cluster, instance):
    warm(instance, READS)
    assert outcomes_of_equal_answers(on_both_paths(instance)) == {"hit", 404}
    assert outcomes_of_equal_answers(on_both_paths(instance), lambda: forget(cluster)) == {"miss", 404}


def test_what_is_stale_on_both_paths(cluster, instance, without_postgres):
    warm(instance, READS)
    wait_until(lambda: ask(without_postgres, "/products/1", "GET", {})[1].get("X-Cache") == "hit")
    make_stale(cluster)
    assert outcomes_of_equal_answers(on_both_paths(without_postgres)) == {"stale", 404}
    forget(cluster)


def test_lists(cluster, lists, given):
    assert outcomes_of_equal_answers(lists) == {"hit"}
    with probes.client(given["REDIS_URL"]) as client:
        outcomes = outcomes_of_equal_answers(lists, lambda: (forget(cluster), client.flushdb()))
    assert outcomes == {"miss"}


def test_while_a_master_is_down(cluster, instance, lists):
    warm(instance, READS)
    cluster.masters[0].kill()
    warm(instance, READS)  # its circuit breaker opens
    assert outcomes_of_equal_answers(on_both_paths(instance)) == {"hit", "bypass", 404}
    assert outcomes_of_equal_answers(lists, differs=("X-Cache",)) == {"hit", "bypass"}
