"""Runs coroutines (``service/coroutines.py``) in the event loop: its epoll watches their sockets."""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from math import inf

from service.coroutines import Elsewhere, Ready, Settled, Together, Wait, Work

_LOG = logging.getLogger(__name__)


class Task:
    """A coroutine with a context of its own, and what it waits for now."""

    __slots__ = ("context", "parent", "wait", "work")

    def __init__(self, work: Work[None], context: Context, parent: _Parent | None = None) -> None:
        self.work = work
        self.context = context
        self.parent = parent
        self.wait: Wait | None = None


class _Parent:
    """The task that waits for several, and how many of them have not ended."""

    def __init__(self, task: Task, wait: Together) -> None:
        self.task, self.wait, self.missing = task, wait, len(wait.works)


class Tasks:
    """Each runs until it waits, and goes on when what it waits for is there, or when its deadline has passed.

    ``call`` has a function called by the loop, from any thread.
    """

    def __init__(self, epoll: select.epoll, call: Callable[..., None]) -> None:
        self._epoll = epoll
        self._call = call
        self._watched: dict[int, tuple[Task, Ready]] = {}  # the last wait for each descriptor
        self._waiting: set[Task] = set()  # those with a deadline
        self._look_at = inf  # when the first of the deadlines may have passed
        self._next: list[Task] = []

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._watched

    def start(self, work: Work[None]) -> None:
        """Run a coroutine until it first waits. What it raises is logged."""
        self._step(Task(work, copy_context()))

    def wait_seconds(self, most: float) -> float:
        """How long to wait for events: ``most``, or until it is a task's turn."""
        if self._next:
            return 0.0
        return most if self._look_at == inf else min(most, max(0.0, self._look_at - time.monotonic()))

    def ready(self, descriptor: int) -> None:
        """Note an event of a socket: its task goes on at the next ``run``."""
        task, wait = self._watched[descriptor]
        if task.wait is wait:
            self._go_on(task, wait)
        else:  # nobody waits: the server has closed it
            del self._watched[descriptor]
            with suppress(OSError):
                self._epoll.unregister(descriptor)

    def run(self) -> None:
        """Run the tasks whose turn it is, each until it waits again."""
        if time.monotonic() >= self._look_at:
            self._end_late()
        tasks, self._next = self._next, []
        for task in tasks:
            self._step(task)

    def _end_late(self) -> None:
        now = time.monotonic()
        for task in [each for each in self._waiting if _until(each) <= now]:
            self._go_on(task, task.wait)
        self._look_at = min(map(_until, self._waiting), default=inf)

    def _step(self, task: Task) -> None:
        try:
            task.wait = wait = task.context.run(task.work.send, None)
        except StopIteration:
            self._end(task)
            return
        except Exception:
            _LOG.exception("a task failed")
            return
        if isinstance(wait, Ready):
            self._wait(task, wait.until)
            self._watch(task, wait)
        elif isinstance(wait, Settled):
            self._wait(task, wait.until)
            wait.future.add_done_callback(lambda _: self._call(self._go_on, task, wait))
        elif isinstance(wait, Elsewhere):
            threading.Thread(target=self._block, args=(task, wait), name="elsewhere", daemon=True).start()
        elif isinstance(wait, Together):
            parent = _Parent(task, wait)
            for work in wait.works:
                self._step(Task(work, task.context.copy(), parent))
        else:
            self._next.append(task)

    def _end(self, task: Task) -> None:
        if (parent := task.parent) is not None:
            parent.missing -= 1
            if not parent.missing:
                self._go_on(parent.task, parent.wait)

    def _wait(self, task: Task, until: float) -> None:
        self._waiting.add(task)
        self._look_at = min(self._look_at, until)

    def _go_on(self, task: Task, wait: Wait | None) -> None:
        """Have a task run, if it still waits for this."""
        if task.wait is wait:
            task.wait = None
            self._waiting.discard(task)
            self._next.append(task)

    def _watch(self, task: Task, wait: Ready) -> None:
        descriptor = wait.source.fileno()
        last = self._watched.get(descriptor)
        self._watched[descriptor] = task, wait
        if last is None or last[1].source is not wait.source:  # a new socket: closing the old one unregistered it
            try:
                self._epoll.register(descriptor, wait.events)
            except FileExistsError:
                self._epoll.modify(descriptor, wait.events)
        elif last[1].events != wait.events:
            self._epoll.modify(descriptor, wait.events)

    def _block(self, task: Task, wait: Elsewhere) -> None:
        wait.block()
        self._call(self._go_on, task, wait)


def _until(task: Task) -> float:
    return task.wait.until  # type: ignore[union-attr]  # all that are in ``_waiting`` have one
