"""Keeps the minutes and the events in Postgres; while that is down, they wait in memory."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from service.coroutines import block_on
from service.errors import Unavailable
from service.postgres import Call, Postgres, Statement
from service.process import Said, repeat
from service.watch.events import Event
from service.watch.history import MINUTES, History

_LOG = logging.getLogger(__name__)

_SQL = Path(__file__).parent / "sql"
MINUTES_LOAD, MINUTES_STORE, EVENTS_LOAD, EVENTS_STORE = (
    Statement.load(_SQL / f"{name}.sql") for name in ("minutes_load", "minutes_store", "events_load", "events_store")
)

MOST_EVENTS = 1000
STORE_EVERY_SECONDS = 10.0
_LATE_SECONDS = 15  # after a minute's end, within which the last rows of it come
DEADLINE_SECONDS = 2.0  # nobody waits for it


class Storage:
    """The minutes of ``history`` stored in ``postgres``, which it closes, and the ``events``, oldest first."""

    def __init__(self, postgres: Postgres, history: History) -> None:
        self._postgres = postgres
        self._history = history
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._pending: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._next_number: int | None = None  # before the stored events are loaded

    def events(self) -> list[Event]:
        """The last events, oldest first."""
        with self._lock:
            return list(self._events)

    def happened(self, events: Iterable[Event]) -> None:
        """Keep these events."""
        with self._lock:
            for event in events:
                self._events.append(event)
                self._pending.append(event)

    def load(self) -> None:
        """Take over what is stored, but for minutes that are known already. Raises Unavailable."""
        first = int(time.time()) // 60 - MINUTES
        minutes = self._run(Call(MINUTES_LOAD, (first,)))
        events = self._run(Call(EVENTS_LOAD))
        with self._history.lock:
            self._history.load((minute, json.loads(counts)) for minute, counts in minutes)
        with self._lock:
            stored = [Event(at, *(word.decode() for word in words)) for _, at, *words in events]
            self._events = deque([*stored, *self._events], maxlen=MOST_EVENTS)
            self._next_number = max((number for number, *_ in events), default=-1) + 1

    def store(self) -> None:
        """Store what is new, after loading what was stored before. Raises Unavailable."""
        if self._next_number is None:
            self.load()
        self._store_minutes()
        self._store_events()

    def keep(self, stop: threading.Event, pause_seconds: float = STORE_EVERY_SECONDS) -> None:
        """Store what is new again and again until ``stop`` is set."""
        repeat(
            self.store,
            stop,
            _LOG,
            Said("minutes wait to be stored", "minutes are stored again"),
            pause_seconds=pause_seconds,
            pause_after_failure_seconds=pause_seconds,
        )

    def close(self) -> None:
        """Close its connection."""
        self._postgres.close()

    def _store_minutes(self) -> None:
        with self._history.lock:
            changed = self._history.take_changed((int(time.time()) - _LATE_SECONDS) // 60)
        if not changed:
            return
        counts = [json.dumps(each, separators=(",", ":")) for each in changed.values()]
        try:
            self._run(Call(MINUTES_STORE, (list(changed), counts)))
        except Unavailable:
            with self._history.lock:
                self._history.changed |= changed.keys()
            raise

    def _store_events(self) -> None:
        with self._lock:
            pending, first = list(self._pending), self._next_number or 0
        if not pending:
            return
        numbers = list(range(first, first + len(pending)))
        self._run(Call(EVENTS_STORE, (numbers, *map(list, zip(*pending, strict=True)))))
        with self._lock:
            self._next_number = first + len(pending)
            for event in pending:
                if self._pending and self._pending[0] is event:  # a full queue has dropped it meanwhile
                    self._pending.popleft()

    def _run(self, call: Call) -> list[tuple[Any, ...]]:
        """Also what is no failure of the server, such as a missing table, is one of storing."""
        try:
            return block_on(self._postgres.run(call))
        except Unavailable:
            raise
        except Exception as error:
            _LOG.exception("the tables of the watch process cannot be used")
            raise Unavailable from error
