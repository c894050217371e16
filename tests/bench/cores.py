"""Which processes belong together, how much processor time they took, and on which cores they may run."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def tree(roots: Iterable[int]) -> dict[int, int]:
    """Processor time, in clock ticks, of these processes and all below them."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            parents[int(stat.parent.name)], ticks[int(stat.parent.name)] = (
                int(fields[1]),
                int(fields[11]) + int(fields[12]),
            )
    members, grown = set(), set(roots) & ticks.keys()
    while grown:
        members |= grown
        grown = {pid for pid, parent in parents.items() if parent in grown}
    return {pid: ticks[pid] for pid in members}


def cpu_seconds(roots: Iterable[int]) -> float:
    """Processor time of these processes and all below them."""
    return sum(tree(roots).values()) / _TICKS_A_SECOND


@contextlib.contextmanager
def confined(roots: Iterable[int], cores: set[int]) -> Iterator[None]:
    """Keep running processes to some cores for a while; what they start meanwhile stays there with them."""
    before = {root: os.sched_getaffinity(root) for root in roots}
    for root in before:
        _move(root, cores)
    try:
        yield
    finally:
        for root, free in before.items():
            _move(root, free)


def _move(root: int, cores: set[int]) -> None:
    for pid in tree([root]):
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), cores)
