"""What an instance counts outlives its workers, and is there by the second."""

import http.client
import json
import os
import signal
import threading
import time
from array import array
from contextlib import closing, contextmanager
from itertools import pairwise

import psycopg2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.metrics.series import BOUNDS, SERIES
from tests.chaos.waits import wait_until


@pytest.fixture
def instance(launch):
    return launch()


def fetch(instance, path):
    connection = http.client.HTTPConnection(instance.address, timeout=10)
    with closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()


def read(instance, count=1, path="/products/1"):
    for _ in range(count):
        assert fetch(instance, path)[0] == 200


def samples(instance):
    text = fetch(instance, "/metrics")[1].decode()
    families = list(text_string_to_metric_families(text))
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if family.type != "gauge"
    }


def history(instance, since=None):
    """What describes the instance, and its rows as pairs of a second and the values by name."""
    query = "" if since is None else f"?since={since}"
    status, body = fetch(instance, f"/metrics/history{query}")
    assert status == 200
    head, _, raw = body.partition(b"\n")
    words = array("Q")
    words.frombytes(raw)
    about, width = json.loads(head), 1 + len(SERIES)
    assert about["series"] == list(SERIES)
    assert len(words) == about["rows"] * width
    rows = [words[start : start + width] for start in range(0, len(words), width)]
    return about, [(row[0], dict(zip(SERIES, row[1:], strict=True))) for row in rows]


def documents(instance):
    """Documents served, by outcome, as the newest row says that is later than now."""
    now = int(time.time())
    wait_until(lambda: history(instance)[1] and history(instance)[1][-1][0] >= now)
    values = history(instance)[1][-1][1]
    return {outcome: values[f'overview_documents_total{{kind="product",outcome="{outcome}"}}'] for outcome in OUTCOMES}


OUTCOMES = ("hit", "stale", "miss", "bypass")


def worker_of(instance):
    return history(instance)[0]["worker"]


@contextmanager
def another_worker(instance):
    before = worker_of(instance)
    yield before
    wait_until(lambda: _responds(instance) and worker_of(instance) != before)


def _responds(instance):
    try:
        return fetch(instance, "/livez")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


@pytest.mark.parametrize("end", ["killed", "stopped", "reloaded"])
def test_no_number_falls_when_a_worker_ends(instance, end):
    read(instance, 5)
    before = samples(instance)
    with another_worker(instance) as worker:
        read(instance, 2)  # just before its end
        number = {"killed": signal.SIGKILL, "stopped": signal.SIGTERM, "reloaded": signal.SIGHUP}[end]
        os.kill(instance.pid if end == "reloaded" else worker, number)
    after = samples(instance)
    assert {name: (value, after[name]) for name, value in before.items() if after[name] < value} == {}
    read(instance)
    counts = documents(instance)
    assert counts["hit"] + counts["miss"] == 8
    about, rows = history(instance, 0)
    assert about["incarnation"] == history(instance)[0]["incarnation"]
    for (_, earlier), (_, later) in pairwise(rows):
        assert all(later[name] >= earlier[name] for name in SERIES)


def test_another_master_begins_again_and_says_so(launch):
    instance = launch()
    read(instance, 3)
    before = history(instance)[0]["incarnation"]
    instance.restart()
    assert documents(instance) == dict.fromkeys(OUTCOMES, 0)
    assert history(instance)[0]["incarnation"] != before


def test_latency_is_of_each_request_and_by_its_outcome(instance, given):
    """Hits that come while a miss waits for a lock are as fast as ever, also in the figures."""
    read(instance, path="/products/2")
    connection = psycopg2.connect(given["DATABASE_URL"])
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE features IN ACCESS EXCLUSIVE MODE")
        missing = threading.Thread(target=read, args=(instance, 1, "/products/31"))
        missing.start()
        began = time.monotonic()
        while time.monotonic() - began < 0.6:
            read(instance, path="/products/2")
    connection.rollback()
    connection.close()
    missing.join()
    documents(instance)
    values = history(instance)[1][-1][1]
    assert slower_than(values, "hit", 0.5) == 0
    assert slower_than(values, "miss", 0.5) == 1


def slower_than(values, outcome, seconds):
    bounds = [bound for bound in BOUNDS if float(bound) > seconds]
    return sum(values[f'overview_answer_seconds_bucket{{outcome="{outcome}",le="{bound}"}}'] for bound in bounds)


def test_what_is_asked_for_most_is_named(launch):
    instance = launch()
    for product_id in range(40, 45):
        read(instance, path=f"/products/{product_id}/related")
    read(instance, 200, "/products/44/related")
    about, _ = history(instance)
    assert about["hottest"][0][:2] == ["related", 44]
    assert sorted(about["missed"])[:5] == [["related", number, pytest.approx(1, rel=0.5)] for number in range(40, 45)]


def test_a_malformed_second_is_refused(instance):
    for since in ("x", "-1", "1.5", "9" * 30, "1&since=2"):
        status, body = fetch(instance, f"/metrics/history?since={since}")
        assert (since, status, json.loads(body)["title"]) == (since, 400, "Malformed")
