"""Fill threads: each takes the waiting requests, answers them as one batch, and returns the responses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

_LOG = logging.getLogger(__name__)

# One fill at a time is best: two would split the batches and contend for the GIL. The other threads are for when one is
# held up, by a lock on a table or a server that hangs.
_THREADS = 3
_HELD_UP_SECONDS = 0.05
_BATCH = 128
_MOST_WAITING = 512

W = TypeVar("W")
A = TypeVar("A")


class Fills(Generic[W, A]):
    """Calls ``fill`` with what was queued during the last call, and ``done`` with that and the responses.

    A ``fill`` that raises is logged and gives None for each.
    """

    def __init__(self, fill: Callable[[Sequence[W]], Sequence[A | None]], done: Callable[..., None]) -> None:
        self._fill = fill
        self._done = done
        self._changed = threading.Condition()
        self._waiting: list[W] = []
        self._closed = False
        self._turn = threading.Lock()
        for number in range(_THREADS):
            threading.Thread(target=self._run, name=f"fill-{number}", daemon=True).start()

    def put(self, wanted: Sequence[W]) -> Sequence[W]:
        """Queue these, without waiting; return those that exceed the queue."""
        with self._changed:
            room = max(0, _MOST_WAITING - len(self._waiting))
            self._waiting += wanted[:room]
            self._changed.notify()
        return wanted[room:]

    def close(self) -> None:
        """End the threads, each after its current call."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        while self._has_work():
            is_my_turn = self._turn.acquire(timeout=_HELD_UP_SECONDS)
            try:
                if batch := self._next_batch():
                    self._done(batch, self._answers(batch))
            finally:
                if is_my_turn:
                    self._turn.release()

    def _answers(self, batch: Sequence[W]) -> Sequence[A | None]:
        try:
            return self._fill(batch)
        except Exception:
            _LOG.exception("a fill failed")
            return [None] * len(batch)

    def _has_work(self) -> bool:
        """Wait for work; false once there will be no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return bool(self._waiting)

    def _next_batch(self) -> Sequence[W]:
        """What is queued; nothing if another thread has taken it meanwhile."""
        with self._changed:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            if self._waiting:
                self._changed.notify()
            return batch
