"""All instances: asked at once, each within its deadline, and what is known of each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from service.metrics import series
from service.watch.instances import DEADLINE_SECONDS, Report, ask
from service.watch.series import of

_GRACE_SECONDS = 0.05  # an answer that is there by its deadline still has to be parsed
_RATE_SECONDS = 60

_MARKED = (
    of(series.REQUESTS),
    of(series.REQUESTS, status="5xx"),
    of(series.DOCUMENTS),
    of(series.DOCUMENTS, outcome=("hit", "stale")),
)


@dataclass(frozen=True)
class InstanceState:
    """What is known of an instance: of its last answer, also where it does not respond any more.

    ``counts`` are since it started, of the second ``last_second``. Before the first answer all is empty.
    """

    is_up: bool = False
    last_seen: float | None = None
    report: Report | None = None
    last_second: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def incarnation(self) -> str:
        """Another after each start."""
        return self.report.incarnation if self.report else ""

    @property
    def worker(self) -> int:
        """The id of its process."""
        return self.report.worker if self.report else 0

    @property
    def version(self) -> str:
        """What is deployed there."""
        return self.report.version if self.report else ""

    @property
    def breaker_open(self) -> bool:
        """Whether Redis is bypassed."""
        return bool(self.report and self.report.gauges.get("breaker_open"))


class Mark(NamedTuple):
    """Counts of an instance at a second, or between two: what its rates are made of."""

    second: int
    requests: int
    errors: int
    documents: int
    from_redis: int


class Fleet:
    """The instances at ``addresses``. ``ask`` is called by one thread, and takes no longer than a deadline."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self.states = {address: InstanceState() for address in addresses}
        self._marks: dict[str, deque[Mark]] = {address: deque(maxlen=_RATE_SECONDS + 1) for address in addresses}
        self._threads = ThreadPoolExecutor(len(self.states), "instance")
        self._under_way: dict[str, Future[Report]] = {}

    def ask(self, since: Callable[[str], int]) -> dict[str, Report]:
        """The reports of all that answer, with the rows ``since`` the second given for each; the states are new then.

        One that still has to answer an earlier question is not asked again.
        """
        late = {address for address, future in self._under_way.items() if not future.done()}
        asked = {
            address: self._threads.submit(ask, address, since(address))
            for address in self.states
            if address not in late
        }
        self._under_way.update(asked)
        wait_for(asked.values(), DEADLINE_SECONDS + _GRACE_SECONDS)
        reports = {address: report for address, future in asked.items() if (report := _result(future))}
        self.states = {
            address: self._answered(address, reports[address]) if address in reports else replace(state, is_up=False)
            for address, state in self.states.items()
        }
        return reports

    def rates(self, address: str) -> tuple[int, Mark]:
        """Seconds, at most 60, and what an instance counted in the last so many."""
        marks = [
            mark for mark in self._marks[address] if mark.second >= self._marks[address][-1].second - _RATE_SECONDS
        ]
        if len(marks) < 2:
            return 0, Mark(0, 0, 0, 0, 0)
        between = Mark(*(new - old for old, new in zip(marks[0], marks[-1], strict=True)))
        return between.second, between

    def close(self) -> None:
        """Ask no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answered(self, address: str, report: Report) -> InstanceState:
        was, marks = self.states[address], self._marks[address]
        if was.incarnation != report.incarnation:
            marks.clear()
            was = InstanceState()
        second, counts = was.last_second, was.counts
        for row in report.rows[-_RATE_SECONDS - 1 :]:
            second, counts = row[0], dict(zip(report.series, row[1:], strict=True))
            marks.append(_mark(second, counts))
        return InstanceState(True, time.time(), report._replace(rows=()), second, counts)


def _result(future: Future[Report]) -> Report | None:
    """What an instance said; None if it is silent, or not done yet."""
    return None if not future.done() or future.exception() else future.result()


def _mark(second: int, counts: Mapping[str, int]) -> Mark:
    return Mark(second, *(sum(counts.get(each, 0) for each in some) for some in _MARKED))
