"""Work in the background, in one thread; a key that is queued or in progress is not queued twice."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from service.errors import Unavailable

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_BATCH = 64
_MOST_WAITING = 4096
_PAUSE_AFTER_FAILURE_SECONDS = 0.5


class BackgroundQueue(Generic[T]):
    """Calls ``work`` with batches of queued keys. The thread starts with the first key.

    With a full queue, further keys are dropped: the next request for one queues it again.
    """

    def __init__(self, name: str, work: Callable[[Collection[T]], object]) -> None:
        self._name = name
        self._work = work
        self._changed = threading.Condition()
        self._waiting: dict[T, None] = {}
        self._under_way: frozenset[T] = frozenset()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self, things: Collection[T]) -> None:
        """Queue these, without waiting for the work or its errors."""
        with self._changed:
            room = _MOST_WAITING - len(self._waiting)
            new = [one for one in things if one not in self._under_way][: max(room, 0)]
            self._waiting.update(dict.fromkeys(new))
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop after the batch in progress."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            try:
                self._work(batch)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    _LOG.exception("%s failed", self._name)
                self._closed.wait(_PAUSE_AFTER_FAILURE_SECONDS * random.uniform(0.75, 1.25))  # noqa: S311

    def _next_batch(self) -> frozenset[T] | None:
        with self._changed:
            self._under_way = frozenset()
            self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
            if self._closed.is_set():
                return None
            self._under_way = frozenset(list(self._waiting)[:_BATCH])
            for one in self._under_way:
                del self._waiting[one]
            return self._under_way
