import os
import signal
import tempfile
from bisect import bisect_left
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.metrics import Metrics
from service.metrics.counting import Request, requests, spread, totals
from service.metrics.memory import SharedMemory
from service.metrics.series import BUCKETS, SERIES


def value(metrics, name):
    return totals(metrics.memory)[SERIES.index(name)]


@given(st.lists(st.floats(0, 4) | st.sampled_from(BUCKETS), min_size=1, max_size=300))
def test_a_batch_is_in_the_buckets_of_its_requests(durations):
    now = 1000.0
    began = [now - duration for duration in durations]
    one_by_one = Counter(bisect_left(BUCKETS, now - one) for one in began)
    found = spread(now, began)
    assert sum(count for _, count in found) == len(durations)
    # At a bound, one subtraction may round to another side than the other.
    edges = [duration for duration in durations if any(abs(duration - bound) < 1e-9 for bound in BUCKETS)]
    assert sum(abs(count - one_by_one[bucket]) for bucket, count in found) <= 2 * len(edges)


def test_what_is_counted_once_a_request_follows_from_the_requests():
    metrics = Metrics()
    metrics.traffic.requests.answered(Request("/products/<product_id>", "GET", 200, "hit"), [0.0, 1.0, 2.0])
    metrics.traffic.requests.answered(Request("/products/<product_id>", "GET", 304, "hit"), [0.0])
    metrics.traffic.requests.answered(Request("/products/<product_id>", "GET", 503, "error", "slow"), [0.0])
    metrics.traffic.requests.answered(Request("/cart", "POST", 201), [0.0, 0.0])
    metrics.traffic.requests.answered(Request("/metrics", "GET", 200, path=""), [0.0])
    assert value(metrics, 'overview_answer_seconds_bucket{outcome="hit",le="+Inf"}') == 4
    assert value(metrics, 'overview_answer_seconds_bucket{outcome="error",le="+Inf"}') == 1
    assert value(metrics, 'overview_cart_addition_seconds_bucket{le="+Inf"}') == 2
    assert value(metrics, 'overview_requests_total{path="fast",status="2xx"}') == 5
    assert value(metrics, 'overview_requests_total{path="fast",status="3xx"}') == 1
    assert value(metrics, 'overview_requests_total{path="slow",status="5xx"}') == 1
    assert value(metrics, 'overview_requests_total{path="slow",status="2xx"}') == 0


@pytest.fixture
def shared():
    with tempfile.TemporaryFile() as lock_file:
        yield SharedMemory(lock_file)


def worker(memory, hits, then=lambda: None):
    """A process that counts so many hits and a request, and then ends by a signal of its own."""
    if (pid := os.fork()) == 0:
        try:
            metrics = Metrics(memory)
            metrics.traffic.documents.add(("product", "hit"), hits)
            metrics.traffic.requests.answered(Request("/x", "GET", 200), [0.0])
            then()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    return pid


def test_a_killed_worker_takes_no_count_with_it_and_the_next_goes_on(shared):
    for hits in (5, 7):
        os.waitpid(worker(shared, hits), 0)
    metrics = Metrics(shared)
    metrics.traffic.documents.add(("product", "hit"))
    assert value(metrics, 'overview_documents_total{kind="product",outcome="hit"}') == 13
    assert sum(requests(shared)[Request("/x", "GET", 200)][:-1]) == 2
    assert [area.is_used for area in shared._areas] == [True] * 2 + [False] * 14  # one after the other, in one place


def test_workers_at_the_same_time_do_not_count_over_each_other(shared):
    """As after a reload, while the worker of before answers its last requests."""
    (said, say), (heard, hear) = os.pipe(), os.pipe()
    first = worker(shared, 5, then=lambda: (os.write(say, b"."), os.read(heard, 1)))
    os.read(said, 1)
    os.waitpid(worker(shared, 7), 0)
    assert sum(area.is_used for area in shared._areas) == 4
    os.write(hear, b".")
    os.waitpid(first, 0)
    metrics = Metrics(shared)
    assert value(metrics, 'overview_documents_total{kind="product",outcome="hit"}') == 12
    assert sum(requests(shared)[Request("/x", "GET", 200)][:-1]) == 2
    for pipe in (said, say, heard, hear):
        os.close(pipe)


def test_a_worker_that_ends_while_it_names_a_block_leaves_none(shared):
    area = Metrics(shared)._breaker_open._area
    area.block("whole", 17)
    area._names[area.words[0] - 1 : area.words[0] + 7] = b"17 half\n"  # and is killed before it says so
    assert list(area.blocks())[1:] == ["whole"]
    area.begin()
    area.block("next", 17)
    assert list(area.blocks())[1:] == ["whole", "next"]


def test_more_kinds_of_requests_than_there_is_room_for_are_counted_as_the_rest():
    metrics = Metrics()
    for number in range(2000):
        metrics.traffic.requests.answered(Request(f"/{number}", "GET", 200), [0.0])
    counts = {request: sum(counts[:-1]) for request, counts in requests(metrics.memory).items()}
    assert sum(counts.values()) == 2000
    assert 500 < counts.pop(Request("other", "other", 0, path="")) < 1500
    assert set(counts.values()) == {1}
