"""Requests in batches: one in flight, the next gathers."""

import time
from types import SimpleNamespace

import pytest

from service.coroutines import turn
from service.worker import batcher
from service.worker.batcher import Batcher
from service.worker.fast_path import Stage


class Tasks:
    """Steps coroutines when told to."""

    def __init__(self):
        self.works = []

    def start(self, work):
        self.works.append(work)
        self.step(work)

    def step(self, work):
        try:
            work.send(None)
        except StopIteration:
            self.works.remove(work)


class Answers:
    """Answers a batch when it is stepped once more."""

    def __init__(self):
        self.asked, self.done, self.fails = [], [], False

    async def answer(self, requests, common):
        self.asked.append(list(requests))
        await turn()
        if self.fails:
            raise ZeroDivisionError
        return [b"%d %b" % (request, common()) for request in requests]

    def answered(self, batch, responses):
        self.done.append(([one.request for one in batch], list(responses)))


@pytest.fixture
def tasks():
    return Tasks()


@pytest.fixture
def answers():
    return Answers()


@pytest.fixture
def gather(tasks, answers):
    """A batcher, and what gathers requests in it."""
    stage = Stage(answers.answer, most_in_batch=3, most_waiting=4)
    made = Batcher(stage, tasks, lambda: b"ok", answers.answered)

    def gather(*requests):
        made.gathered += [SimpleNamespace(request=request) for request in requests]
        return [one.request for one in made.begin()]

    gather.batcher = made
    return gather


def test_what_gathers_while_a_batch_is_in_flight_is_the_next(gather, tasks, answers):
    gather(1, 2)
    gather(3)
    gather(4)
    assert answers.asked == [[1, 2]]
    tasks.step(tasks.works[0])
    assert answers.done == [([1, 2], [b"1 ok", b"2 ok"])]
    gather()
    assert answers.asked == [[1, 2], [3, 4]]


def test_a_batch_is_bounded_and_so_is_what_waits(gather, answers):
    assert gather(*range(10)) == [7, 8, 9]
    assert answers.asked == [[0, 1, 2]]
    assert gather(10) == [10]


def test_one_more_may_begin_beside_one_that_is_held_up_and_no_third(gather, answers, monkeypatch):
    monkeypatch.setattr(batcher, "_LATE_SECONDS", 0.05)
    gather(1)
    gather(2)
    assert answers.asked == [[1]]
    assert 0 < gather.batcher.wait_seconds(10) <= 0.05
    deadline = time.monotonic() + 10
    while len(answers.asked) == 1:
        assert time.monotonic() < deadline
        gather()
    assert answers.asked == [[1], [2]]
    gather(3)
    assert gather.batcher.wait_seconds(10) == 10
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        gather()
    assert answers.asked == [[1], [2]]


def test_a_failure_leaves_the_requests_to_the_application(gather, tasks, answers, caplog):
    answers.fails = True
    gather(1, 2)
    tasks.step(tasks.works[0])
    assert answers.done == [([1, 2], [None, None])]
    assert "the fast path failed" in caplog.text
    answers.fails = False
    gather(3)
    tasks.step(tasks.works[0])
    assert answers.done[-1] == ([3], [b"3 ok"])
