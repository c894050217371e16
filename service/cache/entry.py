"""The envelope: what one Redis string holds; a fixed header before the ready body, so that a hit parses no JSON.

Layout, big-endian: format (1 byte), state (1), two of padding, epoch (8), version (8), fresh until (8, seconds since
1970 as a double), ETag without quotes (16, empty for a missing product); then the body. ``put.lua`` reads the first 20
bytes.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

_HEADER = struct.Struct(">BB2xQQd16s")
_HEADER_SIZE = _HEADER.size
_FORMAT = 1


class State(IntEnum):
    """What an entry says of its document."""

    PRESENT = 0
    MISSING = 1  # there is no such product
    TOMBSTONE = 2  # it changed: whatever has a lower version is out of date


_STATES = tuple(State)


class Entry(NamedTuple):
    """One cached document. ``order`` says which of two entries is the newer one."""

    state: State
    epoch: int
    version: int
    fresh_until: float = 0.0
    etag: str = ""
    body: bytes = b""

    @property
    def order(self) -> tuple[int, int]:
        """Epoch first: versions count within a bulk load."""
        return self.epoch, self.version

    def encode(self) -> bytes:
        """The bytes to store."""
        head = _HEADER.pack(_FORMAT, self.state, self.epoch, self.version, self.fresh_until, self.etag.encode())
        return head + self.body

    @classmethod
    def decode(cls, stored: bytes) -> Entry | None:
        """The entry in these bytes, or None if another release, or something else, wrote them."""
        if len(stored) < _HEADER_SIZE or stored[0] != _FORMAT or stored[1] >= len(_STATES):
            return None
        _, number, epoch, version, fresh_until, etag = _HEADER.unpack_from(stored)
        state = _STATES[number]
        if state is not State.PRESENT:
            return cls(state, epoch, version, fresh_until)
        return cls(state, epoch, version, fresh_until, etag.decode("ascii"), stored[_HEADER_SIZE:])
