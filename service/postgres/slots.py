"""A bounded number of places, given out in the order of asking."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from service.coroutines import settled


class Slots:
    """``count`` places, of which some are ``free``. Threads and the event loop may wait for one."""

    def __init__(self, count: int) -> None:
        self.count = self.free = count
        self._waiting: deque[Future[None]] = deque()
        self._lock = threading.Lock()

    async def take(self, until: float) -> None:
        """Take a place, or raise TimeoutError if there is none until then (monotonic)."""
        with self._lock:
            if self.free:
                self.free -= 1
                return
            turn: Future[None] = Future()
            self._waiting.append(turn)
        try:
            await settled(turn, until)
        except BaseException:
            if not turn.cancel():  # it was given a place at this moment
                self.give_back()
            raise

    def give_back(self) -> None:
        """Give a place back, to whoever has waited longest."""
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                if turn.set_running_or_notify_cancel():
                    turn.set_result(None)
                    return
            self.free += 1
