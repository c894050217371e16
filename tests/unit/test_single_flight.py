import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.catalogue import Document, Key, Kind
from service.catalogue.single_flight import Loaded, SingleFlight
from service.coroutines import block_on
from service.errors import PostgresUnavailable, Unavailable
from service.metrics import Metrics
from tests.blocking import blocking

A, B, C = (Key(Kind.PRODUCT, number) for number in (1, 2, 3))


class Source:
    """Loads when it is let."""

    def __init__(self):
        self.calls, self.began, self.may_end, self.error = [], threading.Semaphore(0), threading.Event(), None
        self.newest = True

    async def load(self, keys):
        self.calls.append(sorted(keys))
        self.began.release()
        assert self.may_end.wait(10)
        if self.error:
            raise self.error
        return Loaded({key: Document(b"%d" % key.product_id, "", 1, len(self.calls)) for key in keys}, self.newest)


@pytest.fixture
def source():
    return Source()


def test_the_same_key_is_loaded_once_for_all_who_ask_at_the_same_time(source):
    flights = SingleFlight(source.load, 10, Metrics().load_keys)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(blocking(flights.load), [A, B])
        assert source.began.acquire(timeout=10)
        second = pool.submit(blocking(flights.load), [B, C])
        assert source.began.acquire(timeout=10)
        source.may_end.set()
        assert {key: one.body for key, one in first.result(10).items()} == {A: b"1", B: b"2"}
        assert {key: one.body for key, one in second.result(10).items()} == {B: b"2", C: b"3"}
    assert source.calls == [[A, B], [C]]


def test_who_joined_a_load_that_something_newer_overtook_loads_again_once_for_all_who_did(source):
    source.newest = False
    flights = SingleFlight(source.load, 10, Metrics().load_keys)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(blocking(flights.load), [A])
        assert source.began.acquire(timeout=10)
        joined = [pool.submit(blocking(flights.load), [A]) for _ in range(3)]
        while not all(each.running() for each in joined):
            pass
        source.may_end.set()
        assert first.result(10)[A].version == 1
        assert {each.result(10)[A].version > 1 for each in joined} == {True}
    assert len(source.calls) <= 4


def test_a_failure_reaches_everyone_who_shared_it_and_the_next_call_loads_again(source):
    source.error = PostgresUnavailable()
    flights = SingleFlight(source.load, 10, Metrics().load_keys)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(blocking(flights.load), [A])
        assert source.began.acquire(timeout=10)
        second = pool.submit(blocking(flights.load), [A])
        while not second.running():
            pass
        source.may_end.set()
        for future in (first, second):
            with pytest.raises(PostgresUnavailable):
                future.result(10)
    source.error = None
    assert block_on(flights.load([A]))[A].body == b"1"


def test_waiting_for_another_ends_at_the_deadline(source):
    flights = SingleFlight(source.load, 0.01, Metrics().load_keys)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(blocking(flights.load), [A])
        assert source.began.acquire(timeout=10)
        with pytest.raises(Unavailable):
            block_on(flights.load([A]))
        source.may_end.set()
