"""Numbers as a terminal shows them; what is not known, or has no traffic, is a dash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

DASH = "–"

_BARS = "▁▂▃▅▇"

Number = float | None


def share(value: Number) -> str:
    """A share of 1 in percent."""
    return DASH if value is None else f"{value:.1%}"


def per_second(value: Number) -> str:
    """A rate: whole from 10 on, below that with two digits."""
    return DASH if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def duration(seconds: Number) -> str:
    """A duration in the largest unit of which it has one."""
    if seconds is None:
        return DASH
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.1f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 0.001 else f"{seconds * 1e6:.0f} µs"


def size(count: float) -> str:
    """Bytes, in megabytes."""
    return f"{count / 1e6:,.1f} MB"


def clock(time: float) -> str:
    """The local time of a Unix second."""
    return datetime.fromtimestamp(time).astimezone().strftime("%H:%M:%S")


def sparkline(shares: Sequence[Number], width: int) -> str:
    """Shares of 1 as at most ``width`` bars between 0 and 1, means where there are more; gaps stay empty."""
    width = min(width, len(shares))
    edges = [len(shares) * place // width for place in range(width + 1)] if width > 0 else []
    return "".join(_bar(shares[first:last]) for first, last in pairwise(edges))


def _bar(shares: Sequence[Number]) -> str:
    known = [value for value in shares if value is not None]
    return _BARS[min(int(sum(known) / len(known) * len(_BARS)), len(_BARS) - 1)] if known else " "
