"""Which of a document's two forms is sent: as it is stored, gzipped, or unpacked. Both have an ETag of their own."""

from __future__ import annotations

import functools
import re

from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

_SUFFIX = "-gzip"

# A coding or "*", and its weight (RFC 9110 12.4.2 and 12.5.3). What is no such thing says nothing.
_CODING = re.compile(
    r"[ \t]*+([!#$%&'*+.^`|~0-9A-Za-z-]++)(?:[ \t]*+;[ \t]*+[qQ]=(0(?:\.[0-9]{0,3})?+|1(?:\.0{0,3})?+))?+[ \t]*+"
)


@functools.lru_cache(256)  # browsers send a handful
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether this header asks for gzip at least as much as for no coding. One that is not there does not ask."""
    weights = {
        matched[1].lower(): float(matched[2] or 1)
        for member in accept_encoding.split(",")
        if (matched := _CODING.fullmatch(member))
    }
    others = weights.get("*", 0.0)
    gzip = weights.get("gzip", weights.get("x-gzip", others))
    return gzip > 0 and gzip >= weights.get("identity", others)


def gzipped_etag(etag: str) -> str:
    """The tag of the gzipped form, from that of the plain bytes; both without quotes."""
    return etag + _SUFFIX


def is_known(known: ETags, etag: str) -> bool:
    """Whether the caller has the bytes that ``etag`` is of, in either form."""
    return known.contains_weak(etag) or known.contains_weak(etag + _SUFFIX)


def is_known_by(if_none_match: str, etag: str) -> bool:
    """The same of the header. Nearly all name the one tag that was sent, which needs no parser."""
    return if_none_match in (f'"{etag}"', f'"{etag}{_SUFFIX}"') or is_known(parse_etags(if_none_match), etag)
