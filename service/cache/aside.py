"""The policy of the cache: which entries may be served or need a refresh, their TTLs, and when Redis is bypassed.

It does no I/O itself: the store and the clocks are passed in.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, Protocol

from service.cache.catch_up import CatchUp, nothing_pending
from service.cache.entry import UNKNOWN_INCARNATION, Document, Entry, Found, State, documents
from service.cache.position import Position
from service.errors import RedisUnavailable
from service.metrics.counting import Counts

# A tombstone must outlive every fill that began before it. A fill that took longer than a sixth of that, because its
# process or its network stalled, is discarded: by this process, or by the store if it is in flight by then.
TOMBSTONE_SECONDS = 60.0
_LONGEST_FILL_SECONDS = 10.0


Pending = Callable[[], Awaitable[tuple[int, int]]]
"""Gives the numbers of the oldest and the newest pending invalidation, zeros if there is none."""


class Store(Protocol):
    """Where entries are kept: see RedisStore."""

    incarnation: int
    position: Position | None

    async def get(self, names: Sequence[str]) -> Found:
        """What is stored under each name."""
        ...

    async def put(
        self,
        epoch: int,
        entries: Sequence[tuple[str, bytes, float]],
        incarnation: int | None = None,
        not_after: float | None = None,
    ) -> int:
        """Store each (name, bytes, TTL in seconds) unless a newer one is there, or it is too late; see RedisStore."""
        ...


class Lifetimes(NamedTuple):
    """Seconds: soft TTL and hard TTL of a present document, and the TTL of a missing product's negative entry."""

    fresh_seconds: float
    keep_seconds: float
    missing_seconds: float


class CacheAside:
    """A cache of versioned entries in front of a source, which is read on a miss.

    ``pending`` gives the numbers of the oldest and the newest pending invalidation, zeros if there is none. It may
    raise Unavailable. ``openings`` counts how often the circuit breaker opened.
    """

    def __init__(
        self,
        store: Store,
        lifetimes: Lifetimes,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        pending: Pending = nothing_pending,
        openings: Counts | None = None,
    ) -> None:
        self._store = store
        self._lifetimes = lifetimes
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._newest_epoch = 0
        self.pending = pending
        self.catch_up = CatchUp(pending, monotonic, openings)

    @property
    def is_down(self) -> bool:
        """Whether the circuit breaker is open: the last call to the store failed, or it has not caught up since."""
        return self.catch_up.breaker.is_open

    def bypasses(self, names: Collection[str]) -> bool:  # noqa: ARG002 - one store has them all
        """Whether the circuit breaker is open for all of these names."""
        return self.is_down

    def lane(self, name: str) -> int:  # noqa: ARG002 - one store has them all
        """The number of the store that has a name."""
        return 0

    def know_epoch(self, epoch: int) -> None:
        """Note an epoch that another store has: entries of an older one are not served."""
        self._newest_epoch = max(self._newest_epoch, epoch)

    async def look_up(self, names: Sequence[str]) -> list[Document | None]:
        """What may be served under each name. Raises RedisUnavailable at once while the circuit breaker is open.

        After a failure it stays open until Redis has caught up with every invalidation that it missed.
        """
        outage = self.catch_up.outage
        if not self.catch_up.breaker.allows():
            raise RedisUnavailable
        with self._noticing_failures():
            found = self._judged(await self._store.get(names))
        if outage is not None:
            await self.catch_up.end(outage)
        if self.catch_up.outage is not None:  # a failure since: this may predate an invalidation that Redis missed
            raise RedisUnavailable
        return found

    async def incarnation(self) -> int:
        """The incarnation of the store, to be read before the source is, and passed to ``fill``.

        A store that was emptied, or has another's data, begins a new one here: what is read from now on may be stored.
        """
        if self._store.incarnation == UNKNOWN_INCARNATION and self.catch_up.is_reachable:
            with suppress(RedisUnavailable), self._noticing_failures():
                await self._store.put(self._newest_epoch, [])
        return self._store.incarnation

    def position(self, incarnation: int) -> Position | None:
        """What a replica must have replayed to be read for a fill of this incarnation, None if that is not known.

        What is announced after the look-up that found it has a tombstone when such a fill ends, however large the lag.
        """
        position = self._store.position
        if position is None or position.incarnation != incarnation or position.epoch < self._newest_epoch:
            return None
        is_late = self._monotonic() > position.asked_at + _LONGEST_FILL_SECONDS
        return None if is_late or self.catch_up.outage is not None else position

    async def position_of(self, names: Collection[str], incarnation: int) -> Position | None:  # noqa: ARG002
        """The same for fills of these names."""
        return self.position(incarnation)

    async def latest_position(self) -> Position | None:
        """The same as of now. Raises RedisUnavailable."""
        await self.look_up([])
        return self.position(await self.incarnation())

    async def fill(self, entries: Mapping[str, Entry], began: float, incarnation: int) -> int:
        """Offer entries that were read from the source since ``began`` (monotonic); a newer stored entry stays.

        The store refuses them if its ``incarnation`` has changed since, which loses tombstones, or if they are too
        late. Then the breaker opens as after a failure, until the store has caught up with what was read.
        Returns how many were stored: 0 if the cache cannot be written to, which is no error.
        """
        if not entries:
            return 0
        self._newest_epoch = max(self._newest_epoch, *{entry.epoch for entry in entries.values()})
        not_after = began + _LONGEST_FILL_SECONDS
        if not self.catch_up.is_reachable:
            return 0
        offered = [(name, entry.encode(incarnation), self._keep_seconds(entry)) for name, entry in entries.items()]
        with suppress(RedisUnavailable), self._noticing_failures():
            stored = 0
            if self._monotonic() <= not_after:
                stored = await self._store.put(self._newest_epoch, offered, incarnation, not_after)
            if self._store.incarnation != incarnation or self._monotonic() > not_after:
                raise RedisUnavailable  # opens the breaker: what this process serves now may be newer than the store's
            return stored
        return 0

    def fresh_until(self, state: State) -> float:
        """When an entry made now passes its soft TTL."""
        return soft_deadline(self._lifetimes, state, self._wall_clock())

    def _keep_seconds(self, entry: Entry) -> float:
        return self._lifetimes.missing_seconds if entry.state is State.MISSING else self._lifetimes.keep_seconds

    @contextmanager
    def _noticing_failures(self) -> Iterator[None]:
        try:
            yield
        except RedisUnavailable:
            self.catch_up.failed()
            raise

    def _judged(self, found: Found) -> list[Document | None]:
        epoch, incarnation, stored = found
        if epoch is None:  # emptied: the epoch of the entries is not known yet
            return [None] * len(stored)
        epoch = max(epoch, self._newest_epoch)
        # More time left than the soft TTL means that the clock was set back: such an entry counts as stale.
        fresh = (now := self._wall_clock(), now + self._lifetimes.fresh_seconds)
        return documents(stored, epoch, incarnation, fresh)


def soft_deadline(lifetimes: Lifetimes, state: State, now: float) -> float:
    """When an entry made now passes its soft TTL, varied by a tenth so that a burst of fills is spread out."""
    seconds = lifetimes.missing_seconds if state is State.MISSING else lifetimes.fresh_seconds
    return now + seconds * (0.9 + 0.1 * random.random())  # noqa: S311 (spreads load, no secret)
