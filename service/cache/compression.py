"""gzip: bodies above 1 kB are kept compressed, the same bytes for the same body."""

from __future__ import annotations

from isal import isal_zlib

LONGEST_PLAIN_BYTES = 1024
"""Below, what compressing saves is lost to the headers that say so."""

_LEVEL = 2  # of 0 to 3, which takes two to five times as long and makes these bodies no smaller
_WITH_GZIP_HEADER = 31


def compress(body: bytes) -> bytes:
    """These bytes as one gzip member, without a name or a time."""
    return isal_zlib.compress(body, _LEVEL, _WITH_GZIP_HEADER)


def decompress(member: bytes) -> bytes:
    """The bytes that were compressed."""
    return isal_zlib.decompress(member, _WITH_GZIP_HEADER)
