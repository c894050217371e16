"""Code that waits for sockets, written once: a thread runs it blocking, the event loop runs much of it at once.

It is ``async`` functions that await nothing but what is here. ``block_on`` runs one in a thread; the loop's runner is
``service/worker/tasks.py``. A wait ends early or late at worst: who waits checks what it waited for, and its deadline.
"""

from __future__ import annotations

import select
import time
import types
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

READABLE, WRITABLE = select.POLLIN, select.POLLOUT  # epoll has the same numbers

T = TypeVar("T")

_Work = Coroutine[Any, None, None]  # as Work[None], which cannot be said before Wait


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


class Together(NamedTuple):
    """Wait until every one of ``works`` has ended. They raise nothing."""

    works: Sequence[_Work]

    def block(self) -> None:
        """Run them: all wait for their sockets at once, for anything else one by one."""
        waits = _next_waits(self.works)
        while waits:
            turn_of = [work for work, wait in waits.items() if not isinstance(wait, Ready)]
            for work in turn_of:
                waits[work].block()
            if not turn_of:
                turn_of = _first_ready({work: wait for work, wait in waits.items() if isinstance(wait, Ready)})
            for work in turn_of:
                del waits[work]
            waits |= _next_waits(turn_of)


Wait = Ready | Settled | Elsewhere | Turn | Together
Work = Coroutine[Wait, None, T]
"""A coroutine that can be run here and there."""

_TURN = Turn()


def _next_waits(works: Sequence[_Work]) -> dict[_Work, Wait]:
    """What each of these waits for next; those that end are left out."""
    waits = {}
    for work in works:
        with suppress(StopIteration):
            waits[work] = work.send(None)
    return waits


def _first_ready(waits: Mapping[_Work, Ready]) -> list[_Work]:
    """Wait for the first of these sockets or deadlines: whose turn it is then."""
    poll = select.poll()
    for wait in waits.values():
        poll.register(wait.source, wait.events)
    until = min(wait.until for wait in waits.values())
    events = dict(poll.poll(max(0.0, until - time.monotonic()) * 1000))
    now = time.monotonic()
    return [work for work, wait in waits.items() if wait.source.fileno() in events or wait.until <= now]


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


async def together(works: Sequence[Work[T]]) -> list[T]:
    """The results of works that wait at the same time; raises what the first of them raised, after all have ended."""
    futures: list[Future[T]] = [Future() for _ in works]
    if works:
        await _await(Together([_settle(future, work) for future, work in zip(futures, works, strict=True)]))
    return [future.result() for future in futures]


async def _settle(future: Future[T], work: Work[T]) -> None:
    try:
        future.set_result(await work)
    except Exception as error:
        future.set_exception(error)
