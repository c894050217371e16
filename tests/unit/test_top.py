import random

import pytest

from service.metrics.top import Top


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def zipf(count, size, seed=1):
    chooser = random.Random(seed)
    return chooser.choices(range(size), [1 / (rank + 1) for rank in range(size)], k=count)


def test_the_most_frequent_of_many_are_found_with_bounded_memory():
    top, seen = Top(1 / 8), zipf(400_000, 100_000)
    for start in range(0, len(seen), 48):
        top.saw(seen[start : start + 48])
        assert len(top._counts) <= 4096 + 48
    found = [one for one, _ in top.per_minute(20)]
    assert len(set(found) & set(range(20))) >= 17
    assert found[0] == 0


def test_counts_are_about_now():
    clock = Clock()
    top = Top(clock=clock)
    top.saw(["old"] * 64)
    for minute in range(1, 7):
        top.saw(["new"] * 20)
        clock.now = 60.0 * minute
        top.halve()
    assert top.per_minute(1) == [("new", pytest.approx(20, rel=0.1))]
    for minute in range(7, 20):
        clock.now = 60.0 * minute
        top.halve()
    assert top.per_minute(9) == []


def test_it_is_halved_once_a_minute_however_often_that_is_called():
    clock = Clock()
    top = Top(clock=clock)
    top.saw(["one"] * 8)
    for _ in range(5):
        clock.now += 20
        top.halve()
    assert top._counts == {"one": 4}


def test_a_rate_does_not_depend_on_how_far_the_minute_is():
    clock = Clock()
    top = Top(clock=clock)
    for second in range(601):
        clock.now = float(second)
        top.halve()
        top.saw(["one"] * 10)
        if second > 300:
            ((_, rate),) = top.per_minute(1)
            assert rate == pytest.approx(600, rel=0.05)
