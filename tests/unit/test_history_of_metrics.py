from array import array
from itertools import pairwise

import pytest

from service.metrics import Gauges, Metrics
from service.metrics.memory import ROW, SECONDS
from service.metrics.series import SERIES

HITS = 'overview_documents_total{kind="product",outcome="hit"}'


@pytest.fixture
def metrics():
    return Metrics()


def hit(metrics, times=1):
    metrics.traffic.documents.add(("product", "hit"), times)


def rows(metrics, since=None):
    """Second and number of hits of each row."""
    found = []
    for row in metrics.history.since(since):
        words = array("Q")
        words.frombytes(row)
        assert len(words) == ROW
        found.append((words[0], words[1 + SERIES.index(HITS)]))
    return found


def test_each_second_has_what_was_counted_until_its_end(metrics):
    for second in (1000, 1001, 1003):
        hit(metrics, 2)
        metrics.history.write(second)
    assert rows(metrics, 0) == [(1000, 2), (1001, 4), (1003, 6)]
    assert rows(metrics, 1001) == [(1003, 6)]
    assert rows(metrics) == [(1003, 6)]
    assert rows(metrics, 1003) == []


def test_before_the_first_second_there_is_none(metrics):
    assert rows(metrics) == rows(metrics, 0) == []


def test_it_keeps_an_hour_and_gives_it_in_parts_of_ten_minutes(metrics):
    last = 10_000
    for second in range(last - SECONDS - 99, last + 1):
        hit(metrics)
        metrics.history.write(second)
    found, since = [], 0
    while part := rows(metrics, since):
        assert len(part) <= 600
        found += part
        since = part[-1][0]
    assert [second for second, _ in found] == list(range(last - SECONDS + 1, last + 1))
    assert {after - before for (_, before), (_, after) in pairwise(found)} == {1}


def test_a_clock_that_is_set_back_does_not_hide_what_comes(metrics):
    for second in (5000, 5001, 1400, 1401):
        hit(metrics)
        metrics.history.write(second)
    assert rows(metrics, 0) == [(1400, 3), (1401, 4)]


def test_a_row_that_was_being_written_when_the_worker_ended_is_none(metrics):
    metrics.history.write(1000)
    metrics.memory.rows[1000 % SECONDS * ROW] = 0
    assert rows(metrics, 0) == []


def test_time_with_an_open_breaker_is_counted_each_second(metrics):
    metrics.history.write(1000)
    metrics.gauges = lambda: Gauges(breaker_open=True)
    metrics._last_row -= 1.0
    metrics.history.write(1001)
    open_seconds = metrics.memory.values()[SERIES.index('overview_breaker_open_seconds_total{part="redis"}')] / 1e9
    assert 1.0 <= open_seconds < 1.5


def test_it_runs_by_itself_until_it_is_stopped(metrics):
    metrics.history.start()
    hit(metrics)
    metrics.history.stop()
    assert [hits for _, hits in rows(metrics, 0)][-1] == 1
