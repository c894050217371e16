import logging
import queue
import threading

import pytest

from service.catalogue import Key, Kind
from service.catalogue.background_queue import _BATCH, _MOST_WAITING, BackgroundQueue
from service.errors import PostgresUnavailable

A, B, C = (Key(Kind.PRODUCT, number) for number in (1, 2, 3))


class Source:
    """Tells of every refresh and ends it when it is let."""

    def __init__(self):
        self.batches, self.may_end, self.errors = queue.Queue(), threading.Semaphore(0), []

    def refresh(self, keys):
        self.batches.put(set(keys))
        assert self.may_end.acquire(timeout=10)
        if self.errors:
            raise self.errors.pop()


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def refresher(source):
    refresher = BackgroundQueue("refreshing", source.refresh)
    yield refresher
    for _ in range(1000):
        source.may_end.release()
    refresher.close()


def test_what_is_asked_meanwhile_gathers_into_one_refresh_and_nothing_twice(refresher, source):
    refresher.ask([A])
    assert source.batches.get(timeout=10) == {A}
    refresher.ask([A, B])
    refresher.ask([B, C])
    source.may_end.release()
    assert source.batches.get(timeout=10) == {B, C}
    source.may_end.release()
    refresher.ask([A])
    assert source.batches.get(timeout=10) == {A}


@pytest.mark.parametrize("error", [PostgresUnavailable(), RuntimeError("unforeseen")])
def test_it_goes_on_after_a_failure(refresher, source, error, caplog):
    source.errors = [error]
    with caplog.at_level(logging.CRITICAL):
        refresher.ask([A])
        assert source.batches.get(timeout=10) == {A}
        source.may_end.release()
        refresher.ask([B])
        assert B in source.batches.get(timeout=10)


def test_what_waits_is_bounded(refresher, source):
    refresher.ask([A])
    assert source.batches.get(timeout=10) == {A}
    refresher.ask([Key(Kind.CARD, number) for number in range(1, 2 * _MOST_WAITING)])
    for _ in range(_MOST_WAITING // _BATCH + 1):
        source.may_end.release()
    taken = sum(len(source.batches.get(timeout=10)) for _ in range(_MOST_WAITING // _BATCH))
    assert taken == _MOST_WAITING
    assert source.batches.empty()


def test_closed_it_starts_no_thread(source):
    refresher = BackgroundQueue("refreshing", source.refresh)
    refresher.close()
    refresher.ask([A])
    assert source.batches.empty()
