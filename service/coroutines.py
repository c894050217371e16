"""Code that waits for sockets, written once: a thread runs it blocking, the event loop runs much of it at once.

It is ``async`` functions that await nothing but what is here. ``block_on`` runs one in a thread; the loop's runner is
``service/worker/tasks.py``. A wait ends early or late at worst: who waits checks what it waited for, and its deadline.
"""

from __future__ import annotations

import select
import time
import types
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from typing import Any, NamedTuple, Protocol, TypeVar

READABLE, WRITABLE = select.POLLIN, select.POLLOUT  # epoll has the same numbers

T = TypeVar("T")


class HasDescriptor(Protocol):
    """A socket, or what has one."""

    def fileno(self) -> int:
        """The file descriptor."""
        ...


def is_ready(source: HasDescriptor, events: int, seconds: float = 0.0) -> bool:
    """Whether a socket is ready for ``events`` now, or within so many seconds; blocking."""
    poll = select.poll()
    poll.register(source, events)
    return bool(poll.poll(max(0.0, seconds) * 1000))


class Ready(NamedTuple):
    """Wait until a socket is ready for ``events``, or until the deadline ``until`` (monotonic)."""

    source: HasDescriptor
    events: int
    until: float

    def block(self) -> None:
        """Wait for it."""
        is_ready(self.source, self.events, self.until - time.monotonic())


class Settled(NamedTuple):
    """Wait until a future has a result, or until the deadline ``until`` (monotonic)."""

    future: Future[Any]
    until: float

    def block(self) -> None:
        """Wait for it."""
        wait_for_futures([self.future], max(0.0, self.until - time.monotonic()))


class Elsewhere(NamedTuple):
    """Wait for a function that blocks: ``future`` is settled with what it returns or raises."""

    function: Callable[[], Any]
    future: Future[Any]

    def block(self) -> None:
        """Call it."""
        try:
            self.future.set_result(self.function())
        except Exception as error:
            self.future.set_exception(error)


class Turn(NamedTuple):
    """Let others run first."""

    def block(self) -> None:
        """Threads take turns by themselves."""


Wait = Ready | Settled | Elsewhere | Turn
Work = Coroutine[Wait, None, T]
"""A coroutine that can be run here and there."""

_TURN = Turn()


def block_on(work: Work[T]) -> T:
    """Run a coroutine to its end, blocking; return or raise what it does."""
    try:
        while True:
            work.send(None).block()
    except StopIteration as end:
        result: T = end.value
        return result


@types.coroutine
def _await(what: Wait) -> Generator[Wait, None, None]:
    yield what


@types.coroutine
def ready(source: HasDescriptor, events: int, until: float) -> Generator[Wait, None, None]:
    """Wait until a socket is ready or ``until`` has passed."""
    yield Ready(source, events, until)


async def settled(future: Future[T], until: float) -> T:
    """The result of a future. Raises TimeoutError after ``until``."""
    if not future.done():
        await _await(Settled(future, until))
    if not future.done():
        raise TimeoutError
    return future.result()


async def elsewhere(function: Callable[[], T]) -> T:
    """What a function returns that blocks: in the event loop it is called in a thread."""
    future: Future[T] = Future()
    await _await(Elsewhere(function, future))
    return future.result()


async def turn() -> None:
    """Let others run first, in the middle of long work."""
    await _await(_TURN)
