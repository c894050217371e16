"""Counts by series for each of the newest steps of time, in memory that does not grow."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping

NOTHING = -1
"""The value of a gauge in a step in which nobody looked at it."""


class Ring:
    """``size`` steps of ``step_seconds`` each, numbered by time: second // step_seconds.

    A counter has the sum of what is added in a step; a gauge, one of ``gauges``, the largest value seen.
    """

    def __init__(self, size: int, step_seconds: int, gauges: frozenset[str] = frozenset()) -> None:
        self.size = size
        self.step_seconds = step_seconds
        self.newest = 0
        self._gauges = gauges
        self._columns: dict[str, array[int]] = {}

    def add(self, number: int, name: str, count: int) -> None:
        """Add to a step; to none that is too old."""
        if (column := self._column_at(number, name)) is not None:
            column[number % self.size] += count

    def observe(self, number: int, name: str, value: int) -> None:
        """Note a gauge's value in a step."""
        if (column := self._column_at(number, name)) is not None:
            column[number % self.size] = max(column[number % self.size], value)

    def sum(self, name: str, first: int, last: int) -> int:
        """What was added from step ``first`` to ``last``."""
        return sum(sum(part) for part in self._parts(name, first, last))

    def largest(self, name: str, first: int, last: int) -> int | None:
        """The largest value of a gauge in these steps; None if there is none."""
        largest = max((max(part) for part in self._parts(name, first, last) if part), default=NOTHING)
        return None if largest == NOTHING else largest

    def filled(self, name: str, first: int, last: int) -> int:
        """How many of these steps have a count that is not 0."""
        return sum(len(part) - part.count(0) for part in self._parts(name, first, last))

    def step(self, number: int) -> Mapping[str, int]:
        """What one step has, without zeros and gauges that nobody saw."""
        if not self._has(number):
            return {}
        found = ((name, column[number % self.size]) for name, column in self._columns.items())
        return {name: value for name, value in found if value != self._empty(name)}

    def _column_at(self, number: int, name: str) -> array[int] | None:
        if number > self.newest:
            self._advance(number)
        if not self._has(number):
            return None
        if (column := self._columns.get(name)) is None:
            column = self._columns[name] = array("q", [self._empty(name)]) * self.size
        return column

    def _advance(self, number: int) -> None:
        first = max(self.newest + 1, number - self.size + 1)
        slots = [step % self.size for step in range(first, number + 1)]
        for name, column in self._columns.items():
            empty = self._empty(name)
            for slot in slots:
                column[slot] = empty
        self.newest = number

    def _parts(self, name: str, first: int, last: int) -> Iterator[array[int]]:
        first, last = max(first, self.newest - self.size + 1), min(last, self.newest)
        if (column := self._columns.get(name)) is None or first > last:
            return
        start, end = first % self.size, last % self.size + 1
        if start < end:
            yield column[start:end]
        else:
            yield from (column[start:], column[:end])

    def _has(self, number: int) -> bool:
        return self.newest - self.size < number <= self.newest

    def _empty(self, name: str) -> int:
        return NOTHING if name in self._gauges else 0
