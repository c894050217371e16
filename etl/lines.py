"""The lines of a file as COPY shall read them: in chunks of whole lines, mended where the old files are broken.

A line never spans a line end: a value with one inside does not occur in these files, while the missing quote that would
make COPY swallow the lines below it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from etl.files import LONGEST_LINE_BYTES, LoadError, Source

CHUNK_BYTES = 1 << 20

#: Called with the bytes read so far and the bytes in all.
Progress = Callable[[int, int], None]

_NEITHER_QUOTE_NOR_LINE_END = bytes(set(range(256)) - set(b'"\n'))
# Older servers take this line for the end of the data, and silently ignore all that follows.
_END_MARK = b"\\."


class Lines:
    """A readable for COPY. ``read_rows`` and ``mended_ids`` are complete once it is read to its end."""

    def __init__(self, source: Source, progress: Progress) -> None:
        self.read_rows = 0
        self.mended_ids: list[int] = []
        self.failure: LoadError | None = None
        self._source = source
        self._id = _field(source.columns.index("id"), _ID)
        self._marks, self._label = [_END_MARK + b"\n"], None
        if labelled := source.file.labelled:
            label = labelled.encode() + b":"
            self._marks.append(label)
            self._label = _field(source.columns.index(labelled), rb'"?\s*+(%s\s*+)\d' % re.escape(label))
        self._chunks = self._cleaned(chunks(source.path, progress))

    def read(self, _size: int = -1) -> bytes:
        """Return the next chunk of whole lines, whatever its size; nothing at the end."""
        try:
            return next(self._chunks, b"")
        except LoadError as failure:  # the driver reports only that reading failed
            self.failure = failure
            raise

    def _cleaned(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        if self._source.has_header:
            # COPY skips a header: with this one its line numbers are the file's, and it cannot swallow the next line.
            yield b"header\n"
        for number, chunk in enumerate(raw):
            rows = chunk.partition(b"\n")[2] if number == 0 and self._source.has_header else chunk
            self.read_rows += rows.count(b"\n")
            yield from self._mended(rows)

    def _mended(self, rows: bytes) -> Iterator[bytes]:
        if any(mark in rows for mark in self._marks) or _has_odd_quotes(rows):
            rows = b"\n".join(map(self._mended_line, rows.split(b"\n")))
        if rows:  # nothing would be the end
            yield rows

    def _mended_line(self, line: bytes) -> bytes:
        if line == _END_MARK:
            return b'"' + line + b'"'
        if line.count(b'"') & 1:
            line += b'"'
            self.mended_ids += filter(None, [self._id_of(line)])
        if self._label and (labelled := self._label.match(line)):
            line = line[: labelled.start(1)] + line[labelled.end(1) :]
        return line

    def _id_of(self, line: bytes) -> int | None:
        return int(found[1]) if (found := self._id.match(line)) else None


def chunks(path: Path, progress: Progress) -> Iterator[bytes]:
    """Read a file in chunks of whole lines, the last one closed as well. Raises LoadError where it cannot be read."""
    try:
        with path.open("rb") as file:
            yield from _chunks(file, path, progress)
    except OSError as error:
        raise LoadError(f"{path.name} cannot be read: {error.strerror}") from None


def _chunks(file: BinaryIO, path: Path, progress: Progress) -> Iterator[bytes]:
    lines, size = 0, path.stat().st_size
    while chunk := file.read(CHUNK_BYTES):
        if not chunk.endswith(b"\n"):
            chunk += (rest := file.readline(LONGEST_LINE_BYTES))
            if len(rest) == LONGEST_LINE_BYTES and not rest.endswith(b"\n"):
                raise LoadError(
                    f"{path.name}, line {lines + chunk.count(10) + 1}: longer than {LONGEST_LINE_BYTES} bytes"
                )
        lines += chunk.count(b"\n")
        progress(file.tell(), size)
        yield chunk if chunk.endswith(b"\n") else chunk + b"\n"


def lines_with_id(source: Source, wanted: int) -> list[int]:
    """Return the numbers of the lines that have this id; reads the whole file."""
    identity, digits, found, number = _field(source.columns.index("id"), _ID), b"%d" % wanted, [], 0
    for chunk in chunks(source.path, lambda _done, _total: None):
        if digits in chunk:
            for offset, line in enumerate(chunk.split(b"\n"), start=number + 1):
                if digits in line and (match := identity.match(line)) and int(match[1]) == wanted:
                    found.append(offset)
        number += chunk.count(b"\n")
    return found


_ID = rb'[ "+]*+(\d{1,10})(?!\d)'


def _field(index: int, pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb'(?:(?:[^,"]++|"[^"]*+")*+,){%d}+' % index + pattern)


def _has_odd_quotes(lines: bytes) -> bool:
    # Of each line only its quotes are left, and of these one if they were odd. On whole chunks at a time this is up to
    # eight times as fast as counting line by line.
    return b'"' in lines.translate(None, _NEITHER_QUOTE_NOR_LINE_END).replace(b'""', b"")
