"""Whether the store is used: not while it fails, nor before it has caught up with the invalidations that it missed."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from service.cache.breaker import Breaker
from service.errors import RedisUnavailable, Unavailable
from service.metrics.counting import Counts

_LOG = logging.getLogger(__name__)

_PAUSE_AFTER_FAILURE_SECONDS = 0.25


class Outage:
    """A failure of the store, during which it may have missed invalidations.

    ``newest`` is the number of the last invalidation that was pending when the store was ``reached`` again, 0 for none.
    """

    reached = False
    newest: int | None = None


async def nothing_pending() -> tuple[int, int]:
    """The pending invalidations of a store that has no outbox."""
    return 0, 0


class CatchUp:
    """A circuit breaker that closes only when every invalidation that the store missed has reached it.

    ``pending`` gives the numbers of the oldest and the newest pending invalidation, zeros if there is none. It may
    raise Unavailable. ``clock`` is monotonic. ``openings`` counts how often the breaker opened.
    """

    def __init__(
        self, pending: Callable[[], Awaitable[tuple[int, int]]], clock: Callable[[], float], openings: Counts | None
    ) -> None:
        self.pending = pending
        self._openings = openings
        self.breaker = Breaker(_PAUSE_AFTER_FAILURE_SECONDS, clock)
        self.outage: Outage | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether the last call to the store succeeded, even if it has not caught up."""
        outage = self.outage
        return outage is None or outage.reached

    def failed(self) -> None:
        """Open the breaker after a failed call."""
        if self.outage is None:
            _LOG.warning("the circuit breaker of Redis opened")
            if self._openings is not None:
                self._openings.add(("redis",))
        self.breaker.failed()
        self.outage = Outage()

    async def end(self, outage: Outage) -> None:
        """Close the breaker after the store has answered, or raise RedisUnavailable if it has not caught up.

        Fills are stored once it is reached, and pending invalidations are read after that: what this process served
        before is among them, what it serves later is stored first. So no older version follows a newer one.
        """
        outage.reached = True
        try:
            oldest, newest = await self.pending()
        except Unavailable:
            oldest = newest = 0  # without the database, the store's entries are all that can be served
        if outage.newest is None:
            outage.newest = newest
        if 0 < oldest <= outage.newest:
            raise RedisUnavailable
        if self.outage is outage:  # no new failure meanwhile
            self.outage = None
            self.breaker.succeeded()
            _LOG.warning("the circuit breaker of Redis closed")
