"""Same-key loads at the same time, inside one process, are one load."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime

from service.catalogue import Document, Key
from service.errors import Unavailable

Load = Callable[[Collection[Key]], Mapping[Key, Document]]


class Flights:
    """Calls ``load`` for keys that no other thread is loading now; waits for the others' at most ``wait_seconds``."""

    def __init__(self, load: Load, wait_seconds: float) -> None:
        self._load = load
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._under_way: dict[Key, Future[Mapping[Key, Document]]] = {}

    def load(self, keys: Collection[Key]) -> dict[Key, Document]:
        """Every key's document. Raises what ``load`` raises, in every thread that shared the call."""
        own: Future[Mapping[Key, Document]] = Future()
        with self._lock:
            shared = {key: self._under_way[key] for key in keys if key in self._under_way}
            mine = [key for key in keys if key not in shared]
            self._under_way.update(dict.fromkeys(mine, own))
        # One's own first: nobody waits for another before those who wait for him have their answer.
        loaded = dict(self._fly(mine, own)) if mine else {}
        for key, flight in shared.items():
            loaded[key] = self._result(flight)[key]
        return loaded

    def _fly(self, keys: Collection[Key], flight: Future[Mapping[Key, Document]]) -> Mapping[Key, Document]:
        try:
            documents = self._load(keys)
        except BaseException as error:
            flight.set_exception(error)
            raise
        else:
            flight.set_result(documents)
            return documents
        finally:
            with self._lock:
                for key in keys:
                    self._under_way.pop(key, None)

    def _result(self, flight: Future[Mapping[Key, Document]]) -> Mapping[Key, Document]:
        try:
            return flight.result(self._wait_seconds)
        except NotInTime:
            raise Unavailable from None
