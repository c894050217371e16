"""Prepares a file for COPY: chunks of whole records, one kind of line end, known faults mended.

In photos.csv a record is one line: it has lines without their closing quote, which would make COPY swallow the lines
below, and no values with line breaks. In the other files it is the other way round.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl.chunks import LONGEST_LINE_BYTES, Progress, chunks
from etl.errors import LoadError
from etl.files import Source
from etl.records import first_unclosed, joined, odd_lines, split

# Older servers take this line for the end of the data, and silently ignore all that follows.
_END_MARK = b"\\."


class Lines:
    """A readable for COPY. ``read_rows`` and ``mended_ids`` are complete once it is read to its end.

    It begins with a header of its own, whether the file has one or not: COPY skips it, takes the line end from it, and
    cannot swallow the next line with it. ``added`` is the offset of COPY's line numbers from the file's.
    """

    def __init__(self, source: Source, progress: Progress) -> None:
        self.read_rows = 0
        self.mended_ids: list[int] = []
        self.failure: LoadError | None = None
        self.added = 0 if source.has_header else 1
        self._source = source
        self._line = 2 - self.added
        self._id = _field(source.columns.index("id"), _ID)
        self._label_mark, self._label = b"", None
        if labelled := source.file.labelled:
            self._label_mark = labelled.encode() + b":"
            label = rb'"?\s*+(%s\s*+)\d' % re.escape(self._label_mark)
            self._label = _field(source.columns.index(labelled), label)
        self._chunks = self._cleaned(chunks(source.path, progress))

    def read(self, _size: int = -1) -> bytes:
        """Return the next chunk of whole records, whatever its size; nothing at the end."""
        try:
            return next(self._chunks, b"")
        except LoadError as failure:  # the driver reports only that reading failed
            self.failure = failure
            raise

    def _cleaned(self, raw: Iterator[bytes]) -> Iterator[bytes]:
        yield b"header\n"
        if self._source.has_header:
            raw = _below_first_line(raw)
        rest, blank = b"", False
        for chunk in raw:
            text, spanned, rest = self._records(rest + chunk)
            rows = _without_blank_end(text)
            lines, blanks = text.count(b"\n"), len(text) - len(rows)
            self._line += lines
            self.read_rows += lines - spanned - blanks
            if rows and blank:
                yield b"\n"  # blank lines above a row: COPY refuses the first of them
            if rows:  # an empty chunk would be the end of the file
                yield self._mended(rows)
            blank = blanks > 0 or (blank and not rows)
        if rest:
            raise self._unclosed(0)

    def _records(self, text: bytes) -> tuple[bytes, int, bytes]:
        """Return whole records, each ended by a line feed; how many more lines than records; the rest of the text."""
        odd = [] if self._source.file.unclosed else odd_lines(text)
        if not odd:
            return _with_line_feeds(text), 0, b""
        lines = text.split(b"\n")[:-1]
        end = odd[-1] if len(odd) % 2 else len(lines)
        if (offset := first_unclosed(lines, odd)) is not None:
            raise self._unclosed(offset)
        rest = b"\n".join([*lines[end:], b""])
        if len(rest) > LONGEST_LINE_BYTES:
            raise self._unclosed(end)
        records = joined(lines[:end], odd)
        if b"\r" in text:  # one in quotes belongs to the value
            records = [record.removesuffix(b"\r") for record in records]
        return b"\n".join([*records, b""]), end - len(records), rest

    def _unclosed(self, offset: int) -> LoadError:
        line = self._line + offset
        return LoadError(f"{self._source.file.name}, line {line}: a quote is not closed, or one in a value not doubled")

    def _mended(self, rows: bytes) -> bytes:
        unclosed = self._source.file.unclosed
        if self._has_mark(rows) or (unclosed and odd_lines(rows)):
            records = rows.split(b"\n")[:-1] if unclosed else split(rows)
            rows = b"".join(self._mended_record(record) + b"\n" for record in records)
        return rows

    def _has_mark(self, rows: bytes) -> bool:
        # Searching one rare byte is fifty times as fast as three bytes of which one is everywhere.
        return (b"\\" in rows and _END_MARK + b"\n" in rows) or (self._label is not None and self._label_mark in rows)

    def _mended_record(self, record: bytes) -> bytes:
        if record == _END_MARK:
            return b'"' + record + b'"'
        if record.count(b'"') & 1:
            record += b'"'
            self.mended_ids += filter(None, [self._id_of(record)])
        if self._label and (labelled := self._label.match(record)):
            record = record[: labelled.start(1)] + record[labelled.end(1) :]
        return record

    def _id_of(self, record: bytes) -> int | None:
        return int(found[1]) if (found := self._id.match(record)) else None


def numbered(lines: Lines) -> Iterator[tuple[int, bytes, list[bytes]]]:
    """Read to the end; yield the number of each chunk's first line, the chunk, and its records."""
    first = 1 - lines.added
    for chunk in iter(lines.read, b""):
        yield first, chunk, split(chunk)
        first += chunk.count(b"\n")


def lines_with_id(source: Source, wanted: int) -> list[int]:
    """Return the first line numbers of the records with this id; reads the whole file."""
    identity, digits, found = _field(source.columns.index("id"), _ID), b"%d" % wanted, []
    for line, chunk, records in numbered(Lines(source, lambda _done, _total: None)):
        if digits in chunk:
            for record in records:
                if digits in record and (match := identity.match(record)) and int(match[1]) == wanted:
                    found.append(line)
                line += 1 + record.count(b"\n")  # noqa: PLW2901
    return found


def first_line(source: Source, wanted: int) -> int:
    """Return the first line number of the record that contains line ``wanted``; reads the file to there."""
    for line, chunk, records in numbered(Lines(source, lambda _done, _total: None)):
        if line + chunk.count(b"\n") > wanted:
            for record in records:
                below = line + 1 + record.count(b"\n")
                if below > wanted:
                    return line
                line = below  # noqa: PLW2901
    return wanted


_LONE_RETURN = re.compile(rb"\r(?!\n)")
_ID = rb'[ "+]*+(\d{1,10})(?!\d)'


def _field(index: int, pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(rb'(?:(?:[^,"]++|"[^"]*+")*+,){%d}+' % index + pattern)


def _below_first_line(raw: Iterator[bytes]) -> Iterator[bytes]:
    if rows := next(raw, b"").partition(b"\n")[2]:
        yield rows
    yield from raw


def _with_line_feeds(text: bytes) -> bytes:
    if b"\r" not in text:
        return text
    # If every carriage return belongs to a line end, removing all of them is three times as fast.
    return text.replace(b"\r\n", b"\n") if _LONE_RETURN.search(text) else text.replace(b"\r", b"")


def _without_blank_end(text: bytes) -> bytes:
    if text != b"\n" and not text.endswith(b"\n\n"):
        return text
    rows = text.rstrip(b"\n")
    return rows + b"\n" if rows else b""
