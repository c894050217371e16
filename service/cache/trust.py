"""Whether the store is asked, and what it has is served: not while it fails, nor before it knows what it missed."""

from __future__ import annotations

from collections.abc import Callable

from service.cache.breaker import Breaker
from service.errors import RedisUnavailable, Unavailable

_PAUSE_AFTER_FAILURE_SECONDS = 0.25


class Doubt:
    """Since the store failed: it may have what it should have been told is out of date.

    ``newest`` is the last change that it had not been told of when it was ``reached`` again, 0 for none.
    """

    reached = False
    newest: int | None = None


def nothing_untold() -> tuple[int, int]:
    """What a store says of which nobody keeps an outbox."""
    return 0, 0


class Trust:
    """Lost with each failure of the store, and won back when it has been told of every change that it missed.

    ``untold`` gives the numbers of the oldest and the newest change that the store has yet to be told of, zeros if
    there is none. It may raise Unavailable. ``clock`` is monotonic.
    """

    def __init__(self, untold: Callable[[], tuple[int, int]], clock: Callable[[], float]) -> None:
        self.untold = untold
        self.breaker = Breaker(_PAUSE_AFTER_FAILURE_SECONDS, clock)
        self.doubt: Doubt | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether the store answered last, trusted or not."""
        doubt = self.doubt
        return doubt is None or doubt.reached

    def failed(self) -> None:
        """Lose it."""
        self.breaker.failed()
        self.doubt = Doubt()

    def dispel(self, doubt: Doubt) -> None:
        """Win it back after the store has answered, or raise RedisUnavailable.

        Fills are stored from when it is reached, and what it missed is asked after that: whatever this process served
        before is among it, whatever it serves later is stored first. So no older version follows one that was served.
        """
        doubt.reached = True
        try:
            oldest, newest = self.untold()
        except Unavailable:
            oldest = newest = 0  # nobody knows better than the store, so what it has is answered
        if doubt.newest is None:
            doubt.newest = newest
        if 0 < oldest <= doubt.newest:
            raise RedisUnavailable
        if self.doubt is doubt:  # it has not failed again meanwhile
            self.doubt = None
            self.breaker.succeeded()
