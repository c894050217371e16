"""The sums over all instances, by second for an hour and by minute for a day, and since the instances started."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from service.watch.instances import Report
from service.watch.ring import Ring
from service.watch.series import ALL_SERIES, GAUGES, REPORTED, WATCHED
from service.watch.spans import Span

SECONDS, MINUTES = 3600, 1440


class _Instance:
    """What was counted of an instance since it started, and the second of the last row that is known."""

    def __init__(self, incarnation: str) -> None:
        self.incarnation = incarnation
        self.second = 0
        self.counts: Counter[str] = Counter()


class History:
    """Changed by one thread, read by many, each of which holds ``lock`` meanwhile.

    ``totals`` has what each series counted since the instances started: an instance that starts again at 0 takes
    nothing away. ``changed`` has the minutes that the store does not have as they are.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.seconds = Ring(SECONDS, 1, GAUGES)
        self.minutes = Ring(MINUTES, 60, GAUGES)
        self.totals: Counter[str] = Counter()
        self.changed: set[int] = set()
        self.first_second: int | None = None
        self._loaded: set[int] = set()
        self._instances: dict[str, _Instance] = {}

    def last_second(self, instance: str) -> int | None:
        """The second of the last row of an instance; None before the first."""
        known = self._instances.get(instance)
        return known.second if known else None

    def add(self, instance: str, report: Report, now: int) -> None:
        """Add an instance's new rows, each to its own second, or to ``now`` if its clock is ahead.

        A row whose predecessors are missing makes up for them. What an instance counted before the first row that was
        ever seen of it is in the totals alone.
        """
        known = self._instances.get(instance)
        began_before = known is None and report.started < now - SECONDS  # it keeps no more rows than that
        if known is None or known.incarnation != report.incarnation:
            known = self._instances[instance] = _Instance(report.incarnation)
        for number, row in enumerate(report.rows):
            if (second := row[0]) <= known.second:
                continue
            deltas = _deltas(report.series, known.counts, row)
            known.second = second
            known.counts.update(deltas)
            self.totals.update(deltas)
            of_this_second = {} if began_before and number == 0 else deltas
            self._add_to(min(second, now), {**of_this_second, REPORTED: 1})
        if not report.rows and known.second > now:  # its clock was ahead, and no longer is
            known.second = now

    def spread(self, since: int, until: int, counts: Mapping[str, int]) -> None:
        """Add what was counted after the second ``since`` until the second ``until``, evenly."""
        counts = {name: count for name, count in counts.items() if count}
        self.totals.update(counts)
        length = until - since
        for number, second in enumerate(range(since + 1, until + 1)):
            share = {name: _share(count, number, length) for name, count in counts.items()}
            self._add_to(second, {**share, WATCHED: 1})

    def observe(self, since: int, until: int, gauges: Mapping[str, int]) -> None:
        """Note values of a moment for the seconds after ``since`` until ``until``."""
        for second in range(since + 1, until + 1):
            for name, value in gauges.items():
                self.seconds.observe(second, name, value)
                self.minutes.observe(second // 60, name, value)

    def load(self, minutes: Iterable[tuple[int, Mapping[str, int]]]) -> None:
        """Take over minutes that were stored, but for those that are known already."""
        for minute, counts in minutes:
            if self.minutes.step(minute):
                continue
            self._loaded.add(minute)
            for name in ALL_SERIES & counts.keys():
                put = self.minutes.observe if name in GAUGES else self.minutes.add
                put(minute, name, counts[name])

    def take_changed(self, before: int) -> dict[int, Mapping[str, int]]:
        """The changed minutes before the minute ``before``, which count as stored from now on."""
        taken = {minute for minute in self.changed if minute < before}
        self.changed -= taken
        return {minute: self.minutes.step(minute) for minute in taken}

    def span(self, first: int, last: int) -> Span:
        """The seconds from ``first`` to ``last``, of the last hour."""
        start = first if self.first_second is None else max(first, self.first_second)
        return Span(self.seconds, first, last, max(0, last - start + 1))

    def span_of_minutes(self, first: int, last: int, time: int) -> Span:
        """The minutes from ``first`` to ``last``, up to the second ``time``."""
        known = self.minutes.filled(REPORTED, first, last) * 60
        if known and last == time // 60:
            known -= 59 - time % 60
        if known and self._began_in_minute is not None and first <= self._began_in_minute // 60 <= last:
            known -= self._began_in_minute % 60
        return Span(self.minutes, first, last, known)

    @property
    def _began_in_minute(self) -> int | None:
        """The first second that is known, where it is in the middle of a minute of which nothing was loaded."""
        first = self.first_second
        return None if first is None or first // 60 in self._loaded else first

    def _add_to(self, second: int, counts: Mapping[str, int]) -> None:
        self.first_second = second if self.first_second is None else min(second, self.first_second)
        minute = second // 60
        is_new = minute not in self._loaded  # else the process before this one has counted it
        for name, count in counts.items():
            self.seconds.add(second, name, count)
            if is_new:
                self.minutes.add(minute, name, count)
        if is_new:
            self.changed.add(minute)
            self.changed.discard(minute - MINUTES)


def _deltas(series: Sequence[str], counted: Mapping[str, int], row: Sequence[int]) -> dict[str, int]:
    """What is not ``counted`` yet; no count falls while an instance lives."""
    return {
        name: count - before
        for name, count in zip(series, row[1:], strict=True)
        if count > (before := counted.get(name, 0)) and name in ALL_SERIES
    }


def _share(count: int, number: int, of: int) -> int:
    """The part of a whole ``count`` that is the ``number``-th of so many almost equal ones."""
    return count * (number + 1) // of - count * number // of
