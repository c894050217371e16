"""A circuit breaker: a dead dependency costs one call per pause instead of one per request."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable


class Breaker:
    """Closed, it lets every call through; after a failure it is open, and lets one through every ``pause_seconds``.

    ``clock`` is monotonic. The pause varies by a quarter, so that processes do not retry all at once.
    """

    def __init__(self, pause_seconds: float, clock: Callable[[], float]) -> None:
        self._pause_seconds = pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._ask_again_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the last call that was let through failed."""
        return self._ask_again_at is not None

    def allows(self) -> bool:
        """Whether to make a call now. While open, true once after each pause."""
        if self._ask_again_at is None:
            return True
        with self._lock:
            if self._ask_again_at is not None and self._clock() < self._ask_again_at:
                return False
            self._pause()
            return True

    def succeeded(self) -> None:
        """Close."""
        self._ask_again_at = None

    def failed(self) -> None:
        """Open."""
        with self._lock:
            self._pause()

    def _pause(self) -> None:
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 (spreads load, keeps no secret)
        self._ask_again_at = self._clock() + self._pause_seconds * jitter
