"""A file in pieces: its records, and the numbers in some of their columns.

Parsing each field of each line would take minutes: one regular expression finds these numbers in a thousand lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from etl.errors import LoadError
from etl.fields import FIELD, Row, row
from etl.files import Source
from etl.lines import Lines, numbered

_NUMBER = rb'[ "+]*+(\d++)[ "]*+'


class Piece(NamedTuple):
    """Records, the line number of the first one, and the numbers in some columns."""

    source: Source
    first: int
    records: Sequence[bytes]
    numbers: Mapping[str, Sequence[int]]

    def row(self, offset: int) -> Row:
        """Read a record as a row. Raises LoadError naming its first line."""
        try:
            return row(self.source.columns, self.records[offset])
        except ValueError as error:
            line = self.first + _lines(self.records[:offset])
            raise LoadError(f"{self.source.file.name}, line {line}: {error}") from None


def pieces(source: Source, columns: Sequence[str], lines: Lines) -> Iterator[Piece]:
    """Read a file to its end. Raises LoadError naming the first line that has no number in one of ``columns``."""
    columns = sorted(columns, key=source.columns.index)
    pattern = _numbers(source.columns, columns)
    for first, chunk, records in islice(numbered(lines), 1, None):  # the first is the header alone
        found = pattern.findall(_one_line_each(records, chunk))
        if len(found) < len(records):
            line = first + _lines(records[: _without(pattern, records)])
            raise LoadError(f"{source.file.name}, line {line}: no number for {' or '.join(columns)}")
        values = zip(*found, strict=True) if len(columns) > 1 else [found]
        numbers = {name: [*map(int, each)] for name, each in zip(columns, values, strict=True)}
        yield Piece(source, first, records, numbers)


def _numbers(columns: Sequence[str], wanted: Sequence[str]) -> re.Pattern[bytes]:
    read = columns[: 1 + columns.index(wanted[-1])]
    fields = [_NUMBER if column in wanted else FIELD for column in read]
    return re.compile(rb"^" + rb",".join(fields) + rb"(?=[,\n])", re.MULTILINE)


def _one_line_each(records: Sequence[bytes], chunk: bytes) -> bytes:
    if len(records) == chunk.count(b"\n"):
        return chunk
    return b"".join(record.replace(b"\n", b" ") + b"\n" for record in records)


def _lines(records: Sequence[bytes]) -> int:
    return sum(1 + record.count(b"\n") for record in records)


def _without(pattern: re.Pattern[bytes], records: Sequence[bytes]) -> int:
    return next(offset for offset, record in enumerate(records) if not pattern.match(record + b"\n"))
