import sys
from array import array

import pytest

from service.metrics.series import SERIES
from service.watch.history import MINUTES, SECONDS, History
from service.watch.series import LAG_NANOSECONDS, REDIS_HITS
from tests.watch.reports import HITS, MISSES, NOW, report

A, B = "127.0.0.1:1", "127.0.0.1:2"


@pytest.fixture
def history():
    return History()


def hits(history, first, last):
    return history.span(first, last).count(HITS)


def by_second(history, count, first=NOW):
    return [hits(history, second, second) for second in range(first, first + count)]


def test_what_instances_counted_is_added_up_second_by_second(history):
    history.add(A, report((NOW, 3), (NOW + 1, 5)), NOW + 2)
    history.add(B, report((NOW, 10), (NOW + 1, 10)), NOW + 2)
    assert by_second(history, 2) == [13, 2]
    assert history.totals[HITS] == 15
    assert history.span(NOW, NOW + 1).per_second([HITS]) == 7.5


def test_a_row_that_was_seen_is_not_counted_again(history):
    history.add(A, report((NOW, 3), (NOW + 1, 5)), NOW + 2)
    history.add(A, report((NOW + 1, 5), (NOW + 2, 6)), NOW + 3)
    assert by_second(history, 3) == [3, 2, 1]


def test_a_late_row_is_of_its_own_second(history):
    history.add(A, report((NOW + 5, 3), started=NOW + 4), NOW + 6)
    history.add(B, report((NOW + 1, 4), (NOW + 2, 4)), NOW + 6)
    assert by_second(history, 6) == [0, 4, 0, 0, 0, 3]
    assert history.minutes.sum(HITS, NOW // 60, NOW // 60) == 7


def test_the_next_row_makes_up_for_missing_ones(history):
    history.add(A, report((NOW, 3), (NOW + 4, 9)), NOW + 5)
    assert by_second(history, 5) == [3, 0, 0, 0, 6]
    assert [history.span(second, second).is_reported for second in range(NOW, NOW + 5)] == [True, *[False] * 3, True]


def test_a_restarted_instance_counts_from_0_and_totals_do_not_fall(history):
    history.add(A, report((NOW, 30)), NOW + 1)
    history.add(A, report((NOW + 2, 4), (NOW + 3, 6), incarnation="b", started=NOW + 1), NOW + 4)
    assert by_second(history, 4) == [30, 0, 4, 2]
    assert history.totals[HITS] == 36


def test_a_count_that_falls_takes_nothing_away(history):
    history.add(A, report((NOW, 30), (NOW + 1, 20), (NOW + 2, 31)), NOW + 3)
    assert (history.totals[HITS], by_second(history, 3)) == (31, [30, 0, 1])


def test_what_was_counted_before_the_first_row_seen_is_in_the_totals_alone(history):
    history.add(A, report((NOW, 1000), (NOW + 1, 1001), started=NOW - SECONDS), NOW + 2)
    assert by_second(history, 2) == [0, 1]
    assert history.totals[HITS] == 1001


def test_all_that_an_instance_counted_within_the_hour_has_its_second(history):
    history.add(A, report((NOW, 1000), (NOW + 1, 1001), started=NOW - SECONDS + 60), NOW + 2)
    assert by_second(history, 2) == [1000, 1]


def test_a_row_of_a_clock_that_is_ahead_does_not_push_out_the_hour(history):
    history.add(A, report((NOW, 3)), NOW + 1)
    history.add(B, report((NOW + 2 * SECONDS, 4), started=NOW + 2 * SECONDS), NOW + 1)
    assert by_second(history, 2) == [3, 4]


def test_a_clock_that_was_ahead_and_is_set_right_loses_no_count(history):
    history.add(A, report((NOW + SECONDS, 4), started=NOW + SECONDS), NOW)
    assert history.last_second(A) == NOW + SECONDS  # it is asked for what comes after
    history.add(A, report(started=NOW + SECONDS), NOW + 1)
    assert history.last_second(A) == NOW + 1
    history.add(A, report((NOW + 2, 7), started=NOW + SECONDS), NOW + 3)
    assert by_second(history, 3) == [4, 0, 3]


def test_series_that_an_instance_has_from_now_on_count_from_now_on(history):
    history.add(A, report((NOW, 3)), NOW + 1)
    more = report()._replace(series=(MISSES, HITS), rows=[array("Q", (NOW + 1, 2, 4))])
    history.add(A, more, NOW + 2)
    assert (history.totals[HITS], history.totals[MISSES]) == (4, 2)


def test_a_row_older_than_the_hour_is_in_its_minute_and_nowhere_else(history):
    history.add(A, report((NOW, 3)), NOW + 1)
    old = NOW - SECONDS - 60
    history.add(B, report(started=old), old)
    history.add(B, report((old, 4), started=old), NOW + 1)
    assert hits(history, NOW - SECONDS - 100, NOW) == 3
    assert history.minutes.sum(HITS, old // 60, NOW // 60) == 7


def test_memory_does_not_grow_with_time(history):
    def add(count, since):
        for step in range(count):
            second = since + step * 29
            history.add(A, report((second, 1), incarnation=str(step), started=second), second + 1)
            history.spread(second - 29, second, {REDIS_HITS: 1})

    def size():
        rings = (history.seconds, history.minutes)
        columns = [column for ring in rings for column in ring._columns.values()]
        parts = (history.totals, history.changed, history._instances, history._loaded, *columns)
        return sum(map(sys.getsizeof, parts)), len(history.changed)

    add(2 * MINUTES * 60 // 29, NOW)
    before = size()
    add(2 * MINUTES * 60 // 29, NOW + 2 * MINUTES * 60)
    assert size() == before
    assert before[1] <= MINUTES


def test_names_that_are_not_known_take_no_memory(history):
    rows = report((NOW, 3))._replace(series=("made up by someone",))
    history.add(A, rows, NOW + 1)
    assert set(history.totals) <= set(SERIES)
    assert "made up by someone" not in history.seconds._columns


def test_what_a_store_counted_is_spread_over_the_seconds_since_the_last_look(history):
    history.spread(NOW - 1, NOW + 3, {REDIS_HITS: 10})
    assert [history.span(second, second).count(REDIS_HITS) for second in range(NOW, NOW + 4)] == [2, 3, 2, 3]
    assert history.totals[REDIS_HITS] == 10
    assert not history.span(NOW, NOW).is_reported


def test_a_gauge_has_its_largest_value_and_none_where_nobody_looked(history):
    history.observe(NOW - 1, NOW, {LAG_NANOSECONDS: 0})
    history.observe(NOW, NOW + 1, {LAG_NANOSECONDS: 7})
    history.spread(NOW + 1, NOW + 3, {})
    values = [history.span(second, second).largest(LAG_NANOSECONDS) for second in range(NOW, NOW + 4)]
    assert values == [0, 7, None, None]
    assert history.span_of_minutes(NOW // 60, NOW // 60, NOW + 3).largest(LAG_NANOSECONDS) == 7


def test_a_ring_forgets_what_is_older_than_it_is_long(history):
    history.add(A, report((NOW, 3)), NOW + 1)
    history.spread(NOW + SECONDS - 1, NOW + SECONDS, {REDIS_HITS: 1})
    assert hits(history, NOW - SECONDS, NOW + SECONDS) == 0
    assert history.minutes.sum(HITS, NOW // 60, NOW // 60) == 3


def test_stored_minutes_are_neither_counted_twice_nor_written_over(history):
    minute = NOW // 60
    history.load([(minute - 1, {HITS: 100, "reported": 60}), (minute - 2, {HITS: 50, "reported": 60})])
    history.add(A, report((NOW - 5, 1), (NOW + 1, 8), started=NOW - 5), NOW + 2)
    assert [history.minutes.sum(HITS, each, each) for each in range(minute - 2, minute + 1)] == [50, 100, 7]
    assert history.take_changed(minute + 1).keys() == {minute}
    assert hits(history, NOW - 5, NOW - 5) == 1


def test_what_is_known_already_is_not_replaced_by_stored_minutes(history):
    history.add(A, report((NOW, 3)), NOW + 1)
    history.load([(NOW // 60, {HITS: 100})])
    assert history.minutes.sum(HITS, NOW // 60, NOW // 60) == 3


def test_a_minute_is_taken_once_and_again_when_a_late_row_changes_it(history):
    history.add(A, report((NOW, 3)), NOW + 1)
    assert history.take_changed(NOW // 60) == {}
    assert history.take_changed(NOW // 60 + 1) == {NOW // 60: {HITS: 3, "reported": 1}}
    assert history.take_changed(NOW // 60 + 1) == {}
    history.add(B, report((NOW + 2, 1), started=NOW + 1), NOW + 70)
    assert history.take_changed(NOW // 60 + 1) == {NOW // 60: {HITS: 4, "reported": 2}}


def test_seconds_before_the_first_known_one_do_not_count(history):
    history.add(A, report((NOW, 10), (NOW + 1, 20)), NOW + 2)
    assert history.span(NOW - 58, NOW + 1).per_second([HITS]) == 10
    history.add(A, report((NOW + 119, 1190)), NOW + 120)
    day = history.span_of_minutes(NOW // 60 - MINUTES, NOW // 60 + 1, NOW + 119)
    assert day.per_second([HITS]) == pytest.approx(1190 / 120)
