"""Refreshes documents behind the answers, in one thread, each key at most once at a time."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Collection

from service.catalogue import Key
from service.errors import Unavailable

_LOG = logging.getLogger(__name__)

_BATCH = 64
_MOST_WAITING = 4096
_PAUSE_AFTER_FAILURE_SECONDS = 0.5


class Refresher:
    """Calls ``refresh`` for keys that were asked for. The thread starts with the first of them.

    A key asked for while it waits or is under way is not asked twice; with too many waiting, a key is dropped: whoever
    reads it next asks again.
    """

    def __init__(self, refresh: Callable[[Collection[Key]], object]) -> None:
        self._refresh = refresh
        self._changed = threading.Condition()
        self._waiting: dict[Key, None] = {}
        self._under_way: frozenset[Key] = frozenset()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def ask(self, keys: Collection[Key]) -> None:
        """Have these refreshed soon. Never waits, never fails."""
        with self._changed:
            room = _MOST_WAITING - len(self._waiting)
            new = [key for key in keys if key not in self._under_way][: max(room, 0)]
            self._waiting.update(dict.fromkeys(new))
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Stop after the refresh that is under way."""
        with self._changed:
            self._closed.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while (batch := self._next_batch()) is not None:
            try:
                self._refresh(batch)
            except Exception as error:
                if not isinstance(error, Unavailable):
                    _LOG.exception("a refresh failed")
                self._closed.wait(_PAUSE_AFTER_FAILURE_SECONDS * random.uniform(0.75, 1.25))  # noqa: S311

    def _next_batch(self) -> frozenset[Key] | None:
        with self._changed:
            self._under_way = frozenset()
            self._changed.wait_for(lambda: self._waiting or self._closed.is_set())
            if self._closed.is_set():
                return None
            self._under_way = frozenset(list(self._waiting)[:_BATCH])
            for key in self._under_way:
                del self._waiting[key]
            return self._under_way
