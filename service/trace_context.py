"""The trace that a request belongs to, from its ``traceparent`` header (W3C Trace Context, version 00)."""

from __future__ import annotations

import re
from typing import NamedTuple

_VALID = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_LINES = re.compile(rb"\r\ntraceparent:[\t ]*([^\r\n]*)", re.IGNORECASE)
_SAMPLED = 0x01


class TraceContext(NamedTuple):
    """The id of a trace and of the caller's span in it, in hexadecimal digits; whether the caller records it."""

    trace_id: str
    span_id: str
    is_sampled: bool


def parse(header: str) -> TraceContext | None:
    """What the header says; None unless it is valid and neither id is all zeros."""
    found = _VALID.fullmatch(header.strip(" \t"))
    return found and TraceContext(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))


def of_request(received: bytes) -> TraceContext | None:
    """The same from the bytes of a request, None also where the header comes twice."""
    lines = _LINES.findall(received.partition(b"\r\n\r\n")[0])
    return parse(lines[0].decode("latin-1")) if len(lines) == 1 else None
