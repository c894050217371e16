"""The envelope: what one Redis string holds; a fixed header before the ready body, so that a hit parses no JSON.

Layout, big-endian: format (1 byte), state (1), whether the body is gzipped (1), one of padding, epoch (8), version (8),
incarnation of the store (8), fresh until (8, seconds since 1970 as a double), ETag of the plain body, without quotes
(16, empty for a missing product); then the body.
``order.lua`` reads the first 28 bytes, also in releases before and after: these fields keep their places and meanings.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple

from service.cache.compression import LONGEST_PLAIN_BYTES, compress, compress_between, decompress

_HEADER = struct.Struct(">BB?xQQQd16s")
_HEADER_SIZE = _HEADER.size
_FORMAT = 3


class State(IntEnum):
    """What an entry says of its document."""

    PRESENT = 0
    MISSING = 1  # there is no such product
    TOMBSTONE = 2  # it changed: whatever has a lower version is out of date


# Plain numbers: comparing with a member of an enumeration takes as long as unpacking an entry.
_MISSING, _TOMBSTONE, _LAST_STATE = int(State.MISSING), int(State.TOMBSTONE), int(max(State))

UNKNOWN_INCARNATION = 0
"""Of a store that has not said one: no document can be stored in it."""


class Found(NamedTuple):
    """What a look-up in a store found: its epoch, None where none is known; its incarnation; the bytes of each name."""

    epoch: int | None
    incarnation: int
    stored: list[bytes | None]


class Document(NamedTuple):
    """One document, ready to be sent; ``body`` is None where there is no such product.

    ``etag`` is of the plain bytes, also where ``body`` is gzipped.
    ``version`` is compared within ``epoch``, the bulk load that it belongs to. ``outcome`` is where it came from:
    ``hit``, ``stale``, ``miss``, or ``bypass`` for a document that no cache was asked for.
    """

    body: bytes | None
    etag: str
    epoch: int
    version: int
    outcome: str = "bypass"
    is_gzipped: bool = False

    def compressed(self, head: int = 0, tail: int = 0) -> Document:
        """The same as it is to be kept and sent: gzipped if that is worth it.

        So many bytes at its ends are packed so that others can take their place.
        """
        body = self.body
        if body is None or self.is_gzipped or len(body) <= LONGEST_PLAIN_BYTES:
            return self
        end = len(body) - tail
        packed = compress_between(body[:head], body[head:end], body[end:]) if head else compress(body)
        return Document(packed, *self[1:5], is_gzipped=True)

    def plain_body(self) -> bytes | None:
        """The body as the source gave it."""
        return decompress(self.body) if self.is_gzipped and self.body is not None else self.body


# Half the cost of its own constructor, which sorts out names of arguments.
_new_document: Callable[[tuple[bytes | None, str, int, int, str, bool]], Document] = partial(tuple.__new__, Document)


class Entry(NamedTuple):
    """One document as it is stored. In another ``incarnation`` of the store a document counts as nothing."""

    state: State
    epoch: int
    version: int
    fresh_until: float = 0.0
    etag: str = ""
    body: bytes = b""
    incarnation: int = 0
    is_gzipped: bool = False

    def encode(self, incarnation: int | None = None) -> bytes:
        """The bytes to store, in another ``incarnation`` if one is given."""
        state, epoch, version, fresh_until, etag, body, own, is_gzipped = self
        about = state, is_gzipped, epoch, version, own if incarnation is None else incarnation
        return _HEADER.pack(_FORMAT, *about, fresh_until, etag.encode()) + body

    @classmethod
    def decode(cls, stored: bytes) -> Entry | None:
        """The entry in these bytes, or None if another release, or something else, wrote them."""
        if len(stored) < _HEADER_SIZE:
            return None
        release, state, is_gzipped, epoch, version, incarnation, fresh_until, etag = _HEADER.unpack_from(stored)
        if release != _FORMAT or state > _LAST_STATE:
            return None
        tag = etag.decode() if etag[0] else ""
        return cls(State(state), epoch, version, fresh_until, tag, stored[_HEADER_SIZE:], incarnation, is_gzipped)


def documents(
    found: Sequence[bytes | None], epoch: int, incarnation: int, fresh: tuple[float, float]
) -> list[Document | None]:
    """The documents of entries, None for one of an older ``epoch`` or of another ``incarnation``, and for a tombstone.

    Those that are fresh until a time within ``fresh`` are hits, the others stale. One loop without calls of its own:
    every hit goes through it.
    """
    judged: list[Document | None] = []
    unpack_from, size, (earliest, latest) = _HEADER.unpack_from, _HEADER_SIZE, fresh
    for stored in found:
        if stored is None or len(stored) < size:
            judged.append(None)
            continue
        release, state, is_gzipped, own_epoch, version, own_incarnation, until, etag = unpack_from(stored)
        if release != _FORMAT or state >= _TOMBSTONE or own_epoch < epoch or own_incarnation != incarnation:
            judged.append(None)
            continue
        outcome = "hit" if earliest < until <= latest else "stale"
        if state == _MISSING:
            judged.append(_new_document((None, "", own_epoch, version, outcome, False)))
        else:
            judged.append(_new_document((stored[size:], etag.decode(), own_epoch, version, outcome, is_gzipped)))
    return judged
