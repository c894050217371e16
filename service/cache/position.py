"""How far a replica of the source must have come to be read: as far as what was announced to readers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from service.cache.keys import EPOCH, POSITION

_RAISE = Path(__file__).with_name("raise_position.lua").read_text("utf-8")


class Position(NamedTuple):
    """How far the primary's log was written, in bytes and in an ``epoch``, when the newest invalidation was announced.

    It is of an ``incarnation`` of the store, and as of a look-up that began at ``asked_at`` (monotonic).
    """

    epoch: int
    written: int
    incarnation: int
    asked_at: float

    @classmethod
    def parse(cls, stored: bytes | None, epoch: int, asked_at: float) -> Position | None:
        """The position in these bytes, None if there is none of this epoch."""
        if stored is None:
            return None
        incarnation, own_epoch, written = map(int, stored.split(b":"))
        return cls(epoch, written, incarnation, asked_at) if own_epoch == epoch else None


def name_of(epoch_name: str) -> str:
    """Name of the position that goes with an epoch: in a cluster in the same slot."""
    return POSITION + epoch_name.removeprefix(EPOCH)


def raising(epoch_name: str, incarnation: int, epoch: int, written: int) -> tuple[str | int, ...]:
    """The command that raises the position; see ``raise_position.lua``."""
    return "EVAL", _RAISE, 2, epoch_name, name_of(epoch_name), incarnation, epoch, written
