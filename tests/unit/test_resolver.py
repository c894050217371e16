import socket
import threading
import time

import pytest

from service.resolver import resolve


def within(seconds):
    return time.monotonic() + seconds


def test_an_address_is_its_own_and_nobody_is_asked(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    assert [resolve(host, 0.0) for host in ("127.0.0.1", "::1")] == [["127.0.0.1"], ["::1"]]


def test_a_name_has_addresses_and_an_unknown_one_none():
    assert "127.0.0.1" in resolve("localhost", within(10))
    with pytest.raises((socket.gaierror, OSError)) as raised:
        resolve("no..such-host", within(10))
    assert not isinstance(raised.value, TimeoutError)


def test_a_look_up_that_hangs_ends_at_the_deadline_and_is_shared(monkeypatch):
    calls, go_on = [], threading.Event()

    def hangs(host, *_, **__):
        calls.append(host)
        assert go_on.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            resolve("slow", within(0.05))
        assert time.monotonic() - began < 1
    assert calls == ["slow"]
    go_on.set()
    assert resolve("slow", within(10)) == ["10.0.0.1"]
