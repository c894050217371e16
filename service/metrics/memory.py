"""Counters in memory that outlive a worker: a worker that is killed takes no count with it.

gunicorn's master makes the memory, its workers inherit it. Each worker counts in areas of its own, one for its event
loop and one for all other threads, which the kernel frees when it ends, and the next worker goes on from there. What an
instance has counted is the sum of all areas.

An area is 64-bit words: how many bytes its table of names has, plus one; the values of SERIES; those of further blocks,
whose names and sizes are in that table.
"""

from __future__ import annotations

import fcntl
import functools
import mmap
import secrets
import tempfile
import threading
import time
from contextlib import nullcontext, suppress
from typing import IO

from service.metrics.series import SERIES

_WORD = 8
_WORDS = 16_384
_NAMES_BYTES = 131_072
_AREA_BYTES = _WORDS * _WORD + _NAMES_BYTES
# One worker at a time, and those of before a reload, which end within seconds.
_WORKERS = 8

FIRST_WORD = 1
"""Of the values of SERIES in an area."""

ROW = 1 + len(SERIES)
"""Words of a row of the history: the second, then the values of SERIES at its end."""
SECONDS = 3600
_ROWS_BYTES = SECONDS * ROW * _WORD


class Area:
    """Counters. ``words`` may be changed by who holds ``lock``, or by one thread alone where there is none."""

    def __init__(self, memory: memoryview, lock: threading.Lock | None) -> None:
        self.lock = lock
        self.words = memory[: _WORDS * _WORD].cast("Q")
        self._names = memory[_WORDS * _WORD :]
        self._blocks = self.blocks()

    def begin(self) -> None:
        """Count here from now on."""
        self.words[0] = self.words[0] or 1
        self._blocks = self.blocks()

    @property
    def is_used(self) -> bool:
        """Whether anything was ever counted here."""
        return self.words[0] > 0

    def values(self) -> list[int]:
        """The values of SERIES."""
        return self.words[FIRST_WORD : FIRST_WORD + len(SERIES)].tolist()

    def blocks(self) -> dict[str, tuple[int, int]]:
        """First word and size of each block, by name."""
        found, first = {}, FIRST_WORD + len(SERIES)
        for line in bytes(self._names[: max(0, self.words[0] - 1)]).decode().splitlines():
            size, name = line.split(" ", 1)
            found[name] = first, int(size)
            first += int(size)
        return found

    def block(self, name: str, size: int) -> int:
        """The first word of a block of this name, made if there is none. Raises MemoryError if there is no room."""
        with self.lock or nullcontext():
            if name not in self._blocks:
                self._blocks[name] = self._new_block(name, size), size
            return self._blocks[name][0]

    def _new_block(self, name: str, size: int) -> int:
        first = max((before + of for before, of in self._blocks.values()), default=FIRST_WORD + len(SERIES))
        line, used = f"{size} {name}\n".encode(), self.words[0] - 1
        if first + size > _WORDS or used + len(line) > _NAMES_BYTES:
            raise MemoryError("too many different metrics")
        self._names[used : used + len(line)] = line
        self.words[0] += len(line)  # last, so that a worker that ends here leaves no half a name
        return first


class SharedMemory:
    """The areas, and the rows of the last hour. ``incarnation`` and ``started`` (unix time) are those of the memory."""

    def __init__(self, lock_file: IO[bytes] | None = None) -> None:
        """Without a ``lock_file`` it is for one process."""
        self.incarnation, self.started = secrets.token_hex(8), time.time()
        self._lock_file = lock_file
        count = 2 * (_WORKERS if lock_file else 1)
        memory = memoryview(mmap.mmap(-1, count * _AREA_BYTES + _ROWS_BYTES))
        self.rows = memory[:_ROWS_BYTES].cast("Q")
        parts = (memory[start : start + _AREA_BYTES] for start in range(_ROWS_BYTES, len(memory), _AREA_BYTES))
        self._areas = [Area(part, None if index % 2 else threading.Lock()) for index, part in enumerate(parts)]

    def claim(self) -> tuple[Area, Area]:
        """Areas for this process until it ends: one for all threads, and one for one thread, which needs no lock.

        Waits for them if there are as many processes.
        """
        first = 2 * self._free()
        of_threads, of_one_thread = self._areas[first : first + 2]
        of_threads.begin()
        of_one_thread.begin()
        return of_threads, of_one_thread

    def values(self) -> list[int]:
        """The values of SERIES that are counted, over all workers."""
        return list(map(sum, zip(*(area.values() for area in self._areas if area.is_used), strict=True)))

    def blocks(self) -> dict[str, list[int]]:
        """The values of each further block, over all workers."""
        sums: dict[str, list[int]] = {}
        for area in self._areas:
            for name, (first, size) in area.blocks().items():
                values = area.words[first : first + size].tolist()
                sums[name] = [a + b for a, b in zip(sums.get(name, [0] * size), values, strict=True)]
        return sums

    def _free(self) -> int:
        if self._lock_file is None:
            return 0
        for index in range(_WORKERS):
            with suppress(BlockingIOError, PermissionError):
                fcntl.lockf(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, index)
                return index
        fcntl.lockf(self._lock_file, fcntl.LOCK_EX, 1, 0)
        return 0


@functools.cache
def of_this_instance() -> SharedMemory:
    """The memory that this process shares with those that it forks after the first call."""
    return SharedMemory(tempfile.TemporaryFile())  # open as long as the process
