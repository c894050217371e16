"""What is measured, what is wanted of it, and the table of both."""

from collections.abc import Callable, Mapping, Sequence
from operator import truediv
from statistics import median
from typing import NamedTuple

OURS = "ours"


class Round(NamedTuple):
    """One server in one round. ``cpu_us`` is processor time of all its processes for one request, in microseconds."""

    rate: float
    cpu_us: float
    p99_ms: float
    errors: int


Figures = Mapping[str, Sequence[Round]]
"""The rounds of each line of a row, in the order they were run."""


class Bound(NamedTuple):
    """Something wanted of a row, shown in one of its lines."""

    line: str
    wanted: str
    holds: Callable[[Figures], bool]


def ratio(figures: Figures, over: str, under: str, of: str = "rate") -> float:
    """Median of the ratios of two lines, round by round: what slows a whole round down slows both."""
    pairs = zip(figures[over], figures[under], strict=True)
    return median(truediv(getattr(a, of), getattr(b, of) or float("inf")) for a, b in pairs)


def faster(peer: str, times: float) -> Bound:
    """So many times the requests per second of ``peer``."""
    return Bound(peer, f"≥ {times:g}x", lambda figures: ratio(figures, OURS, peer) >= times)


def no_less(line: str, share: float) -> Bound:
    """A line of ours has at least this share of the requests per second of ours."""
    return Bound(line, f"≥ {share:g} of ours", lambda figures: ratio(figures, line, OURS) >= share)


def no_errors() -> Bound:
    """Every request answered with 200, in every round."""
    return Bound(OURS, "0 errors", lambda figures: not sum(each.errors for each in figures[OURS]))


def p99_within(milliseconds: float) -> Bound:
    """The median of the rounds' 99th percentiles."""
    return Bound(
        OURS,
        f"p99 ≤ {milliseconds:g} ms",
        lambda figures: median(each.p99_ms for each in figures[OURS]) <= milliseconds,
    )


def sustained(rate: float) -> Bound:
    """So many requests a second were answered, within a hundredth."""
    return Bound(OURS, f"{rate:,.0f}/s", lambda figures: median(each.rate for each in figures[OURS]) >= 0.99 * rate)


def no_more(of: str, than: str, times: float, wanted: str) -> Bound:
    """A figure that is at most so many times that of another line."""
    return Bound(OURS, wanted, lambda figures: ratio(figures, OURS, than, of) <= times)


_HEADINGS = ("work", "server", "requests/s", "cpu µs", "p99 ms", "errors", "ours is", "wanted", "met")


def lines(work: str, figures: Figures, bounds: Sequence[Bound]) -> list[tuple[str, ...]]:
    """The table's lines of one row: medians of the rounds, all errors, each bound in its line."""
    found = []
    for number, (name, rounds) in enumerate(figures.items()):
        of_line = [bound for bound in bounds if bound.line == name]
        errors = sum(each.errors for each in rounds)
        rate, cpu, p99 = (median(each[index] for each in rounds) for index in range(3))
        times = "" if name == OURS else f"{ratio(figures, OURS, name):.2f}x"
        answer = "" if not of_line else "yes" if met(figures, of_line) else "NO"
        wanted = ", ".join(bound.wanted for bound in of_line)
        work_once = "" if number else work
        found.append((work_once, name, f"{rate:,.0f}", f"{cpu:.0f}", f"{p99:.2f}", str(errors), times, wanted, answer))
    return found


def met(figures: Figures, bounds: Sequence[Bound]) -> bool:
    """Whether everything that is wanted of a row holds."""
    return all(bound.holds(figures) for bound in bounds)


def table(rows: Sequence[tuple[str, Figures, Sequence[Bound]]]) -> str:
    """All rows as Markdown, with columns that line up."""
    everything = [_HEADINGS, *(line for row in rows for line in lines(*row))]
    widths = [max(map(len, column)) for column in zip(*everything, strict=True)]
    aligned = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in everything]
    return "\n".join([aligned[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *aligned[1:]])
