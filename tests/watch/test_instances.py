import json
import socket
import threading
import time
from array import array
from contextlib import suppress

import pytest

from service.metrics.series import SERIES
from service.watch.fleet import Fleet
from service.watch.instances import Silent, ask, parse
from tests.chaos.waits import wait_until
from tests.watch.fake_instance import MOST_ROWS, FakeInstance
from tests.watch.reports import HITS, NOW


@pytest.fixture
def start():
    started = []

    def make(**said):
        started.append(FakeInstance(started=NOW))
        started[-1].said |= said
        return started[-1]

    yield make
    for instance in started:
        instance.stop()


def packed(**said):
    rows = array("Q", [NOW, 5]).tobytes()
    whole = {"incarnation": "a", "started": 1.5, "worker": 7, "version": "v", "rows": 1, "series": ["s"]}
    return json.dumps({**whole, "gauges": {}, "hottest": [], "missed": [], **said}).encode() + b"\n" + rows


def test_rows_come_as_they_are_packed(start):
    instance = start(worker=7, version="v", hottest=[["product", 12, 60.5]], missed=[["card", 1, 1]])
    instance.counts[HITS] = 2**63 + 5
    instance.row(NOW)
    report = ask(instance.address, NOW - 1)
    assert report.series == SERIES
    assert (report.rows[0][0], report.rows[0][1 + SERIES.index(HITS)]) == (NOW, 2**63 + 5)
    assert (report.worker, report.version, report.started) == (7, "v", NOW)
    assert (report.hottest, report.missed) == ([("product", 12, 60.5)], [("card", 1, 1.0)])


def test_all_rows_of_an_hour_come_in_several_answers(start, monkeypatch):
    monkeypatch.setattr("service.watch.instances.DEADLINE_SECONDS", 10)
    instance = start()
    for second in range(NOW, NOW + 2 * MOST_ROWS + 1):
        instance.row(second)
    assert [row[0] for row in ask(instance.address, NOW - 1).rows] == list(range(NOW, NOW + 2 * MOST_ROWS + 1))
    assert len(instance.asked) == 3


def test_a_start_in_between_does_not_mix_two_histories(start, monkeypatch):
    monkeypatch.setattr("service.watch.instances.DEADLINE_SECONDS", 10)
    instance = start()
    for second in range(NOW, NOW + MOST_ROWS):
        instance.row(second)
    whole = instance.body

    def body(since):
        answer = whole(since)
        instance.restart(NOW + MOST_ROWS)
        instance.row(NOW + MOST_ROWS + 1)
        return answer

    instance.body = body
    assert len(ask(instance.address, NOW - 1).rows) == MOST_ROWS


@pytest.mark.parametrize(
    "said",
    [
        {"rows": 2},
        {"series": ["s", "t"]},
        {"series": 5},
        {"worker": "x"},
        {"gauges": [1]},
        {"hottest": [["product", 1]]},
        {"started": None},
    ],
)
def test_what_is_no_history_is_refused(said):
    assert parse(packed()).rows[0].tolist() == [NOW, 5]
    with pytest.raises((ValueError, TypeError, KeyError)):
        parse(packed(**said))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]\n", b"{}\n"])
def test_another_server_is_silent(start, body):
    instance = start()
    instance.body = lambda _: body
    with pytest.raises(Silent):
        ask(instance.address, NOW)


def test_nobody_at_an_address_is_silent(free_port):
    for address in (f"127.0.0.1:{free_port('nobody')}", "unix:/nowhere.sock", "no address", "127.0.0.1:x"):
        with pytest.raises(Silent):
            ask(address, NOW)


class Trickling:
    """A server that begins every answer with these bytes, and then sends one at a time."""

    def __init__(self, beginning):
        self.connections, self.over = 0, threading.Event()
        self._beginning = beginning
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.02)
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.over.set()
        self._thread.join()
        self._server.close()

    def _serve(self):
        while not self.over.is_set():
            with suppress(TimeoutError):
                threading.Thread(target=self._trickle, args=(self._server.accept()[0],)).start()

    def _trickle(self, client):
        self.connections += 1
        with client, suppress(OSError):
            client.sendall(self._beginning)
            while not self.over.wait(0.02):
                client.sendall(b"x")


def test_one_that_trickles_is_silent_at_its_deadline():
    with Trickling(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n") as bad:
        began = time.monotonic()
        with pytest.raises(Silent):
            ask(bad.address, NOW)
        assert time.monotonic() - began < 1


def test_one_that_never_ends_delays_nobody_and_is_not_asked_twice(start):
    good = start()
    good.row(NOW)
    with Trickling(b"HTTP/1.1 200 O") as bad:
        fleet = Fleet([good.address, bad.address])
        for _ in range(3):
            began = time.monotonic()
            assert fleet.ask(lambda _: NOW - 1).keys() == {good.address}
            assert time.monotonic() - began < 0.6
        assert bad.connections == 1
        assert [state.is_up for state in fleet.states.values()] == [True, False]
    fleet.close()


def test_one_that_stays_silent_keeps_what_it_last_said(start):
    instance = start(version="7")
    instance.row(NOW)
    fleet = Fleet([instance.address])
    wait_until(lambda: fleet.ask(lambda _: NOW - 1))
    instance.hang()
    assert fleet.ask(lambda _: NOW) == {}
    state = fleet.states[instance.address]
    assert (state.is_up, state.version, state.last_second) == (False, "7", NOW)
    assert time.time() - state.last_seen < 10
    fleet.close()


def test_rates_are_of_the_last_minute_and_of_one_start(start):
    instance = start()
    for second in range(NOW, NOW + 100):
        instance.counts['overview_requests_total{path="fast",status="2xx"}'] += 10
        instance.counts['overview_requests_total{path="slow",status="5xx"}'] += 1
        instance.row(second)
    fleet = Fleet([instance.address])
    fleet.ask(lambda _: NOW - 1)
    seconds, counted = fleet.rates(instance.address)
    assert (seconds, counted.requests, counted.errors) == (60, 660, 60)
    instance.restart(NOW + 100)
    instance.row(NOW + 101)
    fleet.ask(lambda _: NOW + 99)
    assert fleet.rates(instance.address)[0] == 0
    fleet.close()
