"""The slots of a cluster: which of them a name is in, which master has it, and each master's name for its epoch."""

from __future__ import annotations

import itertools
from binascii import crc_hqx
from collections.abc import Iterable, Mapping
from functools import lru_cache

from service.cache.keys import EPOCH
from service.cache.redis_server import Address, RedisServer

SLOTS = 16384

# Odd, so that the slots in the order of their products are all slots: a fixed shuffle.
_SHUFFLE = 10_007
# The epoch is under the first name; under the second while the first one's slot is on its way to another master.
_EPOCH_NAMES = 2

Ranges = list[tuple[int, int]]


def slot_of(name: str) -> int:
    """The slot of a name, which has no braces."""
    return crc_hqx(name.encode(), 0) % SLOTS


def epoch_names(ranges: Iterable[tuple[int, int]]) -> list[str]:
    """Names for the epoch of the master that has these slots, best first; all of them are in its slots.

    Whoever knows its slots knows the names. A slot that comes or goes is seldom one of the first in the shuffled order.
    """
    owned = [slot for first, last in ranges for slot in range(first, last + 1)]
    best = sorted(owned, key=lambda slot: slot * _SHUFFLE % SLOTS)[:_EPOCH_NAMES]
    return [f"{EPOCH}:{{{_tag(slot)}}}" for slot in best]


@lru_cache(maxsize=1024)
def _tag(slot: int) -> str:
    """The first number in this slot."""
    return next(tag for tag in map(str, itertools.count()) if slot_of(tag) == slot)


def ask_for_slots(server: RedisServer, until: float) -> tuple[bool, Mapping[Address, Ranges]]:
    """Whether a node of a cluster is connected to most masters, and the slots of each master as it knows them.

    Raises RedisUnavailable, also if it is of no cluster.
    """
    info, ranges = server.ask(("CLUSTER", "INFO"), ("CLUSTER", "SLOTS"), until=until)
    masters: dict[Address, Ranges] = {}
    for first, last, (host, port, *_), *_ in ranges:
        masters.setdefault(((host or b"").decode() or server.address[0], port), []).append((first, last))
    return b"cluster_state:ok" in info, masters


def address_in(redirect: str, asked: Address) -> Address:
    """The address at the end of MOVED or ASK, as one who is at ``asked`` says it."""
    host, _, port = redirect.rpartition(" ")[2].rpartition(":")
    return host or asked[0], int(port)
