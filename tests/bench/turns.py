"""Sides that take turns, so that what slows the machine slows them all."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from time import perf_counter

Side = Callable[[Sequence[int]], object]

SAMPLE = 640
_ROUND = 32
_ROUNDS = 60


def trials(open_sides: Callable[[ExitStack], Mapping[str, Side]], ids: Sequence[int], count: int) -> dict[str, float]:
    """Median time of each side for one of ``ids``, warm, in microseconds, over ``count`` times anew.

    Connections are made anew because where the kernel puts a server process matters more than what it does.
    """
    found = []
    for _ in range(count):
        with ExitStack() as stack:
            found.append(_microseconds(open_sides(stack), random.sample(ids, min(SAMPLE, len(ids)))))
    return {name: median(each[name] for each in found) for name in found[0]}


def _microseconds(sides: Mapping[str, Side], ids: Sequence[int]) -> dict[str, float]:
    names, taken = list(sides), {name: [] for name in sides}
    for side in sides.values():
        side(ids)
    for _ in range(_ROUNDS):
        asked = random.sample(ids, _ROUND)
        random.shuffle(names)
        for name in names:
            began = perf_counter()
            sides[name](asked)
            taken[name].append((perf_counter() - began) / len(asked) * 1e6)
    return {name: median(each) for name, each in taken.items()}
