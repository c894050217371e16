"""A file in pieces: its lines, and the numbers in some of their columns.

To look at each field of each line would take minutes: one regular expression finds these numbers in a thousand lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from etl.fields import FIELD, Row, row
from etl.files import LoadError, Source
from etl.lines import Lines

_NUMBER = rb'[ "+]*+(\d++)[ "]*+'


class Piece(NamedTuple):
    """Some lines, the number in the file of the first, and by column the numbers in them."""

    source: Source
    first: int
    lines: Sequence[bytes]
    numbers: Mapping[str, Sequence[int]]

    def row(self, offset: int) -> Row:
        """Read a line as a row. Raises LoadError naming the line."""
        try:
            return row(self.source.columns, self.lines[offset])
        except ValueError as error:
            raise LoadError(f"{self.source.file.name}, line {self.first + offset}: {error}") from None


def pieces(source: Source, columns: Sequence[str], lines: Lines) -> Iterator[Piece]:
    """Read a file to its end. Raises LoadError naming the first line that has no number in one of ``columns``."""
    columns = sorted(columns, key=source.columns.index)
    pattern, first = _numbers(source.columns, columns), 1
    for chunk in iter(lines.read, b""):
        rows = chunk.split(b"\n")[:-1]
        if first > 1 or not source.has_header:
            found = pattern.findall(chunk)
            if len(found) < len(rows):
                line = first + _without(pattern, rows)
                raise LoadError(f"{source.file.name}, line {line}: no number for {' or '.join(columns)}")
            values = zip(*found, strict=True) if len(columns) > 1 else [found]
            numbers = {name: [*map(int, each)] for name, each in zip(columns, values, strict=True)}
            yield Piece(source, first, rows, numbers)
        first += len(rows)


def _numbers(columns: Sequence[str], wanted: Sequence[str]) -> re.Pattern[bytes]:
    read = columns[: 1 + columns.index(wanted[-1])]
    fields = [_NUMBER if column in wanted else FIELD for column in read]
    return re.compile(rb"^" + rb",".join(fields) + rb"(?=[,\n])", re.MULTILINE)


def _without(pattern: re.Pattern[bytes], rows: Sequence[bytes]) -> int:
    return next(offset for offset, line in enumerate(rows) if not pattern.match(line + b"\n"))
