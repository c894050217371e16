import select
import socket

import pytest

from service.worker.lookups import Lookups

READABLE = select.EPOLLIN


class Client:
    def __init__(self, request):
        self.request = request


class Door:
    """Answers through a pair of sockets, or raises."""

    answer_seconds = 60.0

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()
        self.fails, self.is_down = False, False

    def ask(self, requests):
        if self.fails:
            raise ZeroDivisionError
        return None if self.is_down else self.ours

    def take(self, requests, common):
        if self.fails:
            raise ZeroDivisionError
        self.ours.recv(1)
        return [common + request for request in requests]


@pytest.fixture
def door():
    door = Door()
    yield door
    door.ours.close()
    door.theirs.close()


@pytest.fixture
def epoll():
    with select.epoll() as epoll:
        yield epoll


@pytest.fixture
def lookups(door, epoll):
    return Lookups(door, epoll)


def gather(lookups, *requests):
    clients = [Client(request) for request in requests]
    lookups.gathered += clients
    return clients


def test_one_is_under_way_while_the_next_gathers(lookups, door, epoll):
    first = gather(lookups, b"1", b"2")
    assert lookups.begin() == ()
    gather(lookups, b"3")
    assert not lookups.can_begin()
    assert not lookups.can_end(is_readable=False)
    assert 59 < lookups.patience_seconds(100) <= 60
    door.theirs.send(b"!")
    assert epoll.poll(1) == [(lookups.descriptor, READABLE)]
    assert lookups.can_end(is_readable=True)
    assert lookups.end(b"-") == (first, [b"-1", b"-2"])
    assert lookups.can_begin()
    assert lookups.patience_seconds(100) == 100


def test_out_of_time_it_ends_without_an_answer(lookups, door):
    door.answer_seconds = 0
    gather(lookups, b"1")
    lookups.begin()
    assert lookups.can_end(is_readable=False)


def test_a_door_that_cannot_be_asked_gives_all_back(lookups, door):
    door.is_down = True
    clients = gather(lookups, b"1")
    assert lookups.begin() == clients
    assert not lookups.can_end(is_readable=True)


def test_a_door_that_raises_has_found_nothing(lookups, door, caplog):
    door.fails = True
    clients = gather(lookups, b"1")
    assert lookups.begin() == clients
    door.fails = False
    gather(lookups, b"2")
    lookups.begin()
    door.fails = True
    asked, answers = lookups.end(b"")
    assert [client.request for client in asked] == [b"2"]
    assert answers == [None]
    assert caplog.text.count("the door failed") == 2


def test_a_socket_that_was_closed_meanwhile_is_forgotten_and_a_new_one_watched(lookups, door, epoll):
    gather(lookups, b"1")
    lookups.begin()
    door.theirs.send(b"!")
    lookups.end(b"")
    door.theirs.close()
    assert epoll.poll(1)[0][0] == lookups.descriptor
    lookups.forget_socket()
    assert epoll.poll(0) == []
    door.ours.close()
    lookups.forget_socket()  # nothing is left to forget
    door.ours, door.theirs = socket.socketpair()
    gather(lookups, b"2")
    lookups.begin()
    door.theirs.send(b"!")
    assert epoll.poll(1) == [(door.ours.fileno(), READABLE)]
