"""Lines as records: in quotes, a value may go on in the next line.

Of the lines of a record that spans several, the first and the last have an odd number of quotes, and no others have. So
nearly every chunk is known to have no such record after one look at its quotes as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_NEITHER_QUOTE_NOR_LINE_END = bytes(set(range(256)) - set(b'"\n'))
# As RFC 4180 has it: a value is in quotes as a whole, and those within are doubled.
_FIELD = rb'(?:"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_STRICT = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+")


def odd_lines(text: bytes) -> list[int]:
    """Return the offsets of the lines that have an odd number of quotes."""
    # Of each line only its quotes are left, and of these one if they were odd. On whole chunks at a time this is up to
    # eight times as fast as counting line by line.
    left = text.translate(None, _NEITHER_QUOTE_NOR_LINE_END).replace(b'""', b"")
    return [offset for offset, quotes in enumerate(left.split(b"\n")) if quotes] if b'"' in left else []


def joined(lines: Sequence[bytes], odd: Sequence[int]) -> list[bytes]:
    """Join lines to records, given those with an odd number of quotes; a last one that has no other is left alone."""
    whole: list[bytes] = []
    at = 0
    for first, last in zip(odd[::2], odd[1::2], strict=False):
        whole += lines[at:first]
        whole.append(b"\n".join(lines[first : last + 1]))
        at = last + 1
    return [*whole, *lines[at:]]


def split(text: bytes) -> list[bytes]:
    """Split text of whole records into these."""
    return joined(text.split(b"\n")[:-1], odd_lines(text))


def first_unclosed(lines: Sequence[bytes], odd: Sequence[int]) -> int | None:
    """Return the first line of the first record that spans several because one of its quotes is not closed.

    What closes it then is the opening quote of a value further down, which does not stand where a closing one may.
    """
    for first, last in zip(odd[::2], odd[1::2], strict=False):
        if not _STRICT.fullmatch(b"\n".join(lines[first : last + 1]).removesuffix(b"\r")):
            return first
    return None
