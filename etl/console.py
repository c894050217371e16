"""Progress of a load for an operator: a line per step, and on a terminal a bar per file."""

from __future__ import annotations

from time import monotonic
from typing import TextIO

from etl import progress
from etl.chunks import Progress


class Console:
    """Writes to ``stream``; times are seconds since its creation."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = monotonic()

    def watch(self, name: str) -> Progress:
        """Return a callback for the bytes of a file read so far."""
        if self._stream.isatty():
            return progress.bar(self._stream, f"bytes of {name}")
        return lambda _done, _total: None

    def tell(self, done: str) -> None:
        """Report that a step is done."""
        self._stream.write(f"{monotonic() - self._started:8.1f} s  {done}\n")
        self._stream.flush()
