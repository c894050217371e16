import socket
import socketserver
import threading
import time
from contextlib import ExitStack

import pytest

from tests.chaos.proxy import FaultProxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while received := self.request.recv(4096):
            self.request.sendall(received)


@pytest.fixture
def proxy(free_port):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as upstream:
        thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        proxy = FaultProxy(free_port("fault proxy"), f"127.0.0.1:{upstream.server_address[1]}")
        proxy.start()
        yield proxy
        proxy.stop()
        upstream.shutdown()
        thread.join(5)


@pytest.fixture
def connect(proxy):
    with ExitStack() as stack:
        host, _, port = proxy.address.rpartition(":")
        yield lambda: stack.enter_context(socket.create_connection((host, int(port)), timeout=5))


def echoed(client, text=b"ping"):
    client.sendall(text)
    return client.recv(4096)


def test_it_forwards_both_ways(connect):
    client = connect()
    assert [echoed(client, text) for text in (b"a", b"b")] == [b"a", b"b"]


def test_a_delay_counts_in_each_direction_until_it_is_healed(proxy, connect):
    client = connect()
    echoed(client)
    proxy.delay(0.1)
    began = time.monotonic()
    assert echoed(client) == b"ping"
    assert 0.2 <= time.monotonic() - began < 1
    proxy.heal()
    began = time.monotonic()
    echoed(client)
    assert time.monotonic() - began < 0.1


def test_what_drips_comes_byte_by_byte_until_it_is_healed(proxy, connect):
    client = connect()
    echoed(client)
    proxy.drip(0.05)
    client.sendall(b"ping")
    came = [(client.recv(9), time.monotonic()) for _ in range(3)]
    assert [byte for byte, _ in came] == [b"p", b"i", b"n"]
    assert came[2][1] - came[0][1] >= 0.05
    proxy.heal()
    assert client.recv(9) == b"g"
    assert echoed(client) == b"ping"


def test_of_what_is_halved_the_rest_comes_when_it_is_healed(proxy, connect):
    client = connect()
    echoed(client)
    proxy.halve()
    late = connect()
    assert [echoed(client), echoed(late, b"abc")] == [b"pi", b"a"]
    client.sendall(b"more")
    for each in (client, late):
        each.settimeout(0.1)
        with pytest.raises(TimeoutError):
            each.recv(9)
        each.settimeout(5)
    proxy.heal()
    assert [client.recv(2), late.recv(9)] == [b"ng", b"bc"]
    assert client.recv(9) == b"more"


def test_in_a_black_hole_nothing_ends_and_what_was_sent_arrives_later(proxy, connect):
    client = connect()
    echoed(client)
    proxy.black_hole()
    late = connect()
    for each in (client, late):
        each.settimeout(0.1)
        with pytest.raises(TimeoutError):
            echoed(each)
        each.settimeout(5)
    proxy.heal()
    assert [client.recv(9), late.recv(9)] == [b"ping"] * 2


def test_a_cut_resets_every_connection_and_refuses_new_ones_until_it_is_healed(proxy, connect):
    client = connect()
    echoed(client)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        connect()
    proxy.heal()
    assert echoed(connect()) == b"ping"
