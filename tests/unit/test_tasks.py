"""Coroutines, run to their end in a thread and beside each other in an event loop."""

import select
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextvars import ContextVar
from functools import partial

import pytest

from service.coroutines import READABLE, block_on, elsewhere, ready, settled, together, turn
from service.worker.tasks import Tasks

FOREVER = 3600.0


class Loop:
    """Just enough of an event loop."""

    def __init__(self):
        self.epoll, self.called = select.epoll(), deque()
        self.tasks = Tasks(self.epoll, lambda function, *arguments: self.called.append(partial(function, *arguments)))

    def run(self, work):
        """Run a coroutine to its end and return its result."""
        found = []

        async def note():
            found.append(await work)

        self.tasks.start(note())
        self.until(lambda: found)
        return found[0]

    def until(self, condition):
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline
            self.tick()

    def tick(self):
        for descriptor, _ in self.epoll.poll(self.tasks.wait_seconds(0.01)):
            self.tasks.ready(descriptor)
        while self.called:
            self.called.popleft()()
        self.tasks.run()


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.epoll.close()


@pytest.fixture(params=["thread", "loop"])
def run(request, loop):
    return block_on if request.param == "thread" else loop.run


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


async def received(source, until):
    while True:
        await ready(source, READABLE, until)
        try:
            return source.recv(100)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise TimeoutError from None


def test_it_waits_for_a_socket(run, pair):
    threading.Timer(0.05, pair[1].send, (b"here",)).start()
    assert run(received(pair[0], time.monotonic() + FOREVER)) == b"here"


def test_a_socket_that_is_silent_is_waited_for_until_the_deadline(run, pair):
    async def late():
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await received(pair[0], began + 0.05)
        return time.monotonic() - began

    assert 0.04 < run(late()) < 5


def test_what_is_there_is_taken_however_late(run, pair):
    pair[1].send(b"here")
    assert run(received(pair[0], time.monotonic() - 1)) == b"here"


def test_it_waits_for_a_future_of_another_thread(run):
    future = Future()
    threading.Timer(0.05, future.set_result, ("here",)).start()
    assert run(settled(future, time.monotonic() + FOREVER)) == "here"


def test_a_future_is_waited_for_until_the_deadline(run):
    async def late():
        with pytest.raises(TimeoutError):
            await settled(Future(), time.monotonic() + 0.05)
        return True

    assert run(late())


def test_what_blocks_is_called_and_its_result_or_error_comes_back(run):
    async def both():
        with pytest.raises(ZeroDivisionError):
            await elsewhere(lambda: 1 / 0)
        return await elsewhere(lambda: "here")

    assert run(both()) == "here"


def test_the_loop_calls_it_in_another_thread(loop):
    assert loop.run(elsewhere(threading.get_ident)) != threading.get_ident()
    assert block_on(elsewhere(threading.get_ident)) == threading.get_ident()


def test_what_a_coroutine_raises_comes_out_of_block_on_and_ends_no_loop(loop, caplog):
    async def fails():
        await turn()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block_on(fails())
    loop.tasks.start(fails())
    loop.until(lambda: "a task failed" in caplog.text)


def test_tasks_take_turns(loop):
    said = []

    async def count(name):
        for number in range(3):
            said.append((number, name))
            await turn()

    for name in "ab":
        loop.tasks.start(count(name))
    loop.until(lambda: len(said) == 6)
    assert said == [(number, name) for number in range(3) for name in "ab"]


def test_each_has_a_context_of_its_own(loop):
    value, seen = ContextVar("value", default=0), []

    async def note(number):
        value.set(number)
        await turn()
        seen.append(value.get())

    for number in (1, 2):
        loop.tasks.start(note(number))
    loop.until(lambda: len(seen) == 2)
    assert (seen, value.get()) == ([1, 2], 0)


def test_an_end_that_nobody_waits_for_is_watched_no_more(loop, pair):
    pair[1].send(b"here")
    assert loop.run(received(pair[0], time.monotonic() + FOREVER)) == b"here"
    pair[1].close()
    loop.tick()
    assert loop.epoll.poll(0) == []


def test_a_new_socket_with_the_descriptor_of_an_old_one_is_waited_for(loop):
    for answer in (b"one", b"two"):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.send(answer)
        assert loop.run(received(ours, time.monotonic() + FOREVER)) == answer
        descriptor = ours.fileno()
        ours.close()
        theirs.close()
    again = socket.socket()
    assert again.fileno() == descriptor  # as both had
    again.close()


def test_the_end_of_an_earlier_wait_is_not_taken_for_that_of_a_later(loop, pair):
    """The future settles after its deadline, while the socket is waited for."""
    future, seen = Future(), []

    async def both():
        with pytest.raises(TimeoutError):
            await settled(future, time.monotonic() + 0.02)
        await ready(pair[0], READABLE, time.monotonic() + FOREVER)
        seen.append(pair[0].recv(100))

    loop.tasks.start(both())
    deadline = time.monotonic() + 0.1
    loop.until(lambda: time.monotonic() > deadline)
    future.set_result(None)
    loop.tick()
    loop.tick()
    pair[1].send(b"here")
    loop.until(lambda: seen)
    assert seen == [b"here"]


def test_several_wait_together_and_each_gets_its_own(run):
    pairs = [socket.socketpair() for _ in range(3)]
    for number, (ours, theirs) in enumerate(pairs):
        ours.setblocking(False)
        threading.Timer(0.02 * (3 - number), theirs.send, [b"%d" % number]).start()
    began = time.monotonic()
    works = [received(ours, began + 10) for ours, _ in pairs]
    assert run(together([*works, elsewhere(lambda: b"away")])) == [b"0", b"1", b"2", b"away"]
    assert time.monotonic() - began < 5
    for pair in pairs:
        for each in pair:
            each.close()


def test_who_is_late_ends_at_its_own_deadline_and_the_others_have_ended_by_then(run, pair):
    ours, _ = pair
    other, sender = socket.socketpair()
    other.setblocking(False)
    threading.Timer(0.1, sender.send, [b"later"]).start()
    ended = []

    async def noted():
        ended.append(await received(other, time.monotonic() + 10))

    async def late():
        with pytest.raises(TimeoutError):
            await together([received(ours, time.monotonic() + 0.02), noted()])
        return True

    assert run(late())
    assert ended == [b"later"]
    other.close()
    sender.close()


def test_none_together_are_no_wait(run):
    assert run(together([])) == []
