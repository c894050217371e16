"""gzip: bodies above 1 kB are kept compressed, the same bytes for the same body.

A member can be made so that other bytes may take the place of its ends: what is between them is blocks of its own that
begin and end at whole bytes, and is never packed again (RFC 1951, RFC 1952).
"""

from __future__ import annotations

import struct

from isal import isal_zlib
from isal.isal_zlib import crc32, crc32_combine

LONGEST_PLAIN_BYTES = 1024
"""Below, what compressing saves is lost to the headers that say so."""

_LEVEL = 2  # of 0 to 3, which takes two to five times as long and makes these bodies no smaller
_FASTEST = 0  # a quarter of that time, for what is packed with each answer
_WITH_GZIP_HEADER, _BARE = 31, -15

_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"  # no flags, no time, no system
_STORED = struct.Struct("<?HH")
_TRAILER = struct.Struct("<II")
_LONGEST_STORED = 0xFFFF


def compress(body: bytes) -> bytes:
    """These bytes as one gzip member, without a name or a time."""
    return isal_zlib.compress(body, _LEVEL, _WITH_GZIP_HEADER)


def compress_between(head: bytes, middle: bytes, tail: bytes) -> bytes:
    """The three as one gzip member, of which ``with_ends`` takes the middle. Both ends are short."""
    packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _BARE)
    blocks = packer.compress(middle) + packer.flush(isal_zlib.Z_FULL_FLUSH)
    crc = crc32(tail, crc32(middle, crc32(head)))
    size = len(head) + len(middle) + len(tail)
    return b"".join((_HEADER, _stored(head), blocks, _stored(tail, is_last=True), _TRAILER.pack(crc, size)))


def with_ends(member: bytes, old: tuple[bytes, bytes], new: tuple[bytes, bytes]) -> bytes | None:
    """The member of ``new``, a head and a tail, around what is between the ``old`` ones in this one.

    None if it was not made by ``compress_between`` with those. The new tail is no shorter than the old one.
    """
    (old_head, old_tail), (head, tail) = old, new
    before, after = _HEADER + _stored(old_head), _stored(old_tail, is_last=True)
    end = len(member) - _TRAILER.size - len(after)
    if len(head) > _LONGEST_STORED or not member.startswith(before) or not member.startswith(after, end):
        return None
    old_crc, old_size = _TRAILER.unpack_from(member, end + len(after))
    # A CRC is linear: that of other bytes in some places differs by theirs, moved on by as many zeros as follow.
    replaced = len(old_tail)
    crc = crc32_combine(crc32(old_head) ^ crc32(head), old_crc, old_size - len(old_head))
    crc = crc32(tail[replaced:], crc ^ crc32(old_tail) ^ crc32(tail[:replaced]))
    size = old_size + len(head) + len(tail) - len(old_head) - len(old_tail)
    last_block = isal_zlib.compress(tail, _FASTEST, _BARE)
    return b"".join((_HEADER, _stored(head), member[len(before) : end], last_block, _TRAILER.pack(crc, size)))


def decompress(member: bytes) -> bytes:
    """The bytes that were compressed."""
    return isal_zlib.decompress(member, _WITH_GZIP_HEADER)


def _stored(data: bytes, *, is_last: bool = False) -> bytes:
    """A block of bytes as they are."""
    return _STORED.pack(is_last, len(data), len(data) ^ 0xFFFF) + data
