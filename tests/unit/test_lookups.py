import select
import socket

import pytest

from service.worker.lookups import Lookups

READABLE = select.EPOLLIN


class Client:
    def __init__(self, request):
        self.request = request


class FastPath:
    """Answers through a pair of sockets, or raises."""

    look_up_seconds = 60.0

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.fails, self.is_down, self.abandoned = False, False, 0

    def begin(self, requests):
        if self.fails:
            raise ZeroDivisionError
        return None if self.is_down else self.ours

    def receive(self, requests, common):
        if self.fails:
            raise ZeroDivisionError
        self.ours.setblocking(False)
        try:
            self.ours.recv(1)
        except BlockingIOError:
            return None
        return [common + request for request in requests]

    def abandon(self):
        self.abandoned += 1


@pytest.fixture
def fast_path():
    fast_path = FastPath()
    yield fast_path
    fast_path.ours.close()
    fast_path.theirs.close()


@pytest.fixture
def epoll():
    with select.epoll() as epoll:
        yield epoll


@pytest.fixture
def lookups(fast_path, epoll):
    return Lookups(fast_path, epoll)


def gather(lookups, *requests):
    clients = [Client(request) for request in requests]
    lookups.gathered += clients
    return clients


def test_one_is_under_way_while_the_next_gathers(lookups, fast_path, epoll):
    first = gather(lookups, b"1", b"2")
    assert lookups.begin() == ()
    gather(lookups, b"3")
    assert not lookups.can_begin()
    assert not lookups.can_end(is_readable=False)
    assert 59 < lookups.wait_seconds(100) <= 60
    fast_path.theirs.send(b"!")
    assert epoll.poll(1) == [(lookups.descriptor, READABLE)]
    assert lookups.can_end(is_readable=True)
    assert lookups.end(b"-") == (first, [b"-1", b"-2"])
    assert lookups.can_begin()
    assert lookups.wait_seconds(100) == 100


def test_out_of_time_it_ends_without_an_answer(lookups, fast_path):
    fast_path.look_up_seconds = 0
    clients = gather(lookups, b"1")
    lookups.begin()
    assert lookups.can_end(is_readable=False)
    assert lookups.end(b"") == (clients, [None])
    assert fast_path.abandoned == 1


def test_out_of_time_an_answer_that_has_arrived_is_taken_all_the_same(lookups, fast_path):
    fast_path.look_up_seconds = 0
    clients = gather(lookups, b"1")
    lookups.begin()
    fast_path.theirs.send(b"!")
    assert lookups.end(b"-") == (clients, [b"-1"])
    assert fast_path.abandoned == 0


def test_an_answer_that_is_not_whole_keeps_nobody_else_from_gathering(lookups, fast_path):
    gather(lookups, b"1")
    lookups.begin()
    assert lookups.end(b"") == ((), ())
    gather(lookups, b"2")
    assert not lookups.can_begin()
    assert fast_path.abandoned == 0


def test_the_number_of_requests_in_one_is_bounded(lookups):
    clients = gather(lookups, *[b"1"] * 300)
    lookups.begin()
    assert lookups.gathered == clients[256:]


def test_a_fast_path_that_cannot_be_asked_gives_all_back(lookups, fast_path):
    fast_path.is_down = True
    clients = gather(lookups, b"1")
    assert lookups.begin() == clients
    assert not lookups.can_end(is_readable=True)


def test_a_fast_path_that_raises_has_found_nothing(lookups, fast_path, caplog):
    fast_path.fails = True
    clients = gather(lookups, b"1")
    assert lookups.begin() == clients
    fast_path.fails = False
    gather(lookups, b"2")
    lookups.begin()
    fast_path.fails = True
    asked, answers = lookups.end(b"")
    assert [client.request for client in asked] == [b"2"]
    assert answers == [None]
    assert caplog.text.count("the fast path failed") == 2


def test_a_socket_that_was_closed_meanwhile_is_forgotten_and_a_new_one_watched(lookups, fast_path, epoll):
    gather(lookups, b"1")
    lookups.begin()
    fast_path.theirs.send(b"!")
    lookups.end(b"")
    fast_path.theirs.close()
    assert epoll.poll(1)[0][0] == lookups.descriptor
    lookups.forget_socket()
    assert epoll.poll(0) == []
    fast_path.ours.close()
    lookups.forget_socket()  # nothing is left to forget
    fast_path.ours, fast_path.theirs = socket.socketpair()
    gather(lookups, b"2")
    lookups.begin()
    fast_path.theirs.send(b"!")
    assert epoll.poll(1) == [(fast_path.ours.fileno(), READABLE)]
