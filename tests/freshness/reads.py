"""What readers saw, and what follows from it: how long an old version was served, and whether one came back."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.freshness.changes import Change, Subject


class Read(NamedTuple):
    """An answer that showed the number ``shown``; instants of ``perf_counter``."""

    asked: float
    answered: float
    shown: int


class Reads:
    """Takes the answers of an open loop of reads of ``subjects``, in the order in which they came."""

    def __init__(self, subjects: Iterable[Subject]) -> None:
        self._subjects = {subject.path: subject for subject in subjects}
        self.of: dict[Subject, list[Read]] = defaultdict(list)
        self.failed = 0

    def take(self, request: bytes, asked: float, answered: float, answer: bytes) -> None:
        """Keep one; one that is no 200 is only counted."""
        subject = self._subjects.get(request.split(b" ", 2)[1].decode())
        if subject is None:
            return
        found = subject.road.shown.search(answer)
        if found is None:
            self.failed += 1
        else:
            self.of[subject].append(Read(asked, answered, int(found[1])))


def lags(changes: Iterable[Change], reads: Mapping[Subject, Sequence[Read]]) -> list[float]:
    """Seconds from each COMMIT's sending to the arrival of the last answer that did not show it; endless if none did.

    The longest of what may be called lag: the statement's way to the server and the answer's way back are in it.
    """
    return [_lag(change, reads[change.subject]) for change in changes]


def _lag(change: Change, reads: Sequence[Read]) -> float:
    if not any(read.shown >= change.shown for read in reads):
        return float("inf")
    return max((read.answered - change.sent for read in reads if read.shown < change.shown), default=0.0)


def returned(reads: Sequence[Read]) -> list[tuple[Read, int]]:
    """Reads that showed an older number than an answer which had come before they were asked, with that number."""
    came = sorted(reads, key=lambda read: read.answered)
    instants = [read.answered for read in came]
    newest = [0, *accumulate((read.shown for read in came), max)]
    before = ((read, newest[bisect_left(instants, read.asked)]) for read in reads)
    return [(read, shown) for read, shown in before if read.shown < shown]
