"""The last hour of an instance, a row each second, in the memory that its workers share."""

from __future__ import annotations

import threading
import time
from array import array
from collections.abc import Callable

from service.metrics.counting import totals
from service.metrics.memory import ROW, SECONDS, SharedMemory

_MOST_ROWS = 600
# The clock may be set back a little without harm: rows are written over.
_SET_BACK_SECONDS = 2


class History:
    """Writes a row of ``memory`` at the end of each second, in a thread, after ``before_row``."""

    def __init__(self, memory: SharedMemory, before_row: Callable[[], None]) -> None:
        self._memory = memory
        self._before_row = before_row
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write the present second too, as if it were over, and end."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def write(self, second: int) -> None:
        """Write the row of a second that has just ended."""
        self._before_row()
        if self.newest() > second + _SET_BACK_SECONDS:
            self._forget_after(second)
        place = second % SECONDS * ROW
        rows = self._memory.rows
        rows[place] = 0  # whoever is ended here leaves no row that looks whole
        rows[place + 1 : place + ROW] = memoryview(array("Q", totals(self._memory)))
        rows[place] = second

    def newest(self) -> int:
        """The newest second that has a row, 0 if there is none."""
        return max(self._memory.rows[::ROW].tolist())

    def since(self, second: int | None) -> list[bytes]:
        """Rows after ``second``, ascending, at most 600; the newest row without one. Each is ROW 64-bit integers."""
        seconds = sorted(self._memory.rows[::ROW].tolist())
        wanted = [each for each in seconds if each > second] if second is not None else seconds[-1:]
        return [self._row(each) for each in wanted if each][:_MOST_ROWS]

    def _row(self, second: int) -> bytes:
        place = second % SECONDS * ROW
        return self._memory.rows[place : place + ROW].tobytes()

    def _forget_after(self, second: int) -> None:
        rows = self._memory.rows
        for place in range(0, len(rows), ROW):
            if rows[place] > second:
                rows[place] = 0

    def _run(self) -> None:
        while not self._stopped.wait(1.0 - time.time() % 1.0):
            self.write(int(time.time()) - 1)
        self.write(int(time.time()))
