"""A progress bar for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TextIO

WIDTH = 30


def bar(stream: TextIO, unit: str) -> Callable[[int, int], None]:
    """Return a function of (done, total) that redraws one line with rate and time left."""
    started = monotonic()

    def draw(done: int, total: int) -> None:
        rate = done / max(monotonic() - started, 1e-6)
        left = f"{(total - done) / rate:.0f} s left" if rate else ""
        filled = WIDTH * done // total
        line = f"[{'#' * filled:{WIDTH}}] {done:,} of {total:,} {unit}, {rate:,.0f}/s, {left}"
        # The escape clears the rest of a longer line.
        stream.write(f"\r{line}\x1b[K" + ("\n" if done == total else ""))
        stream.flush()

    return draw
