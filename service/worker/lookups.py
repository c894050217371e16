"""Look-ups of the fast path in its cache: one is under way while the next gathers."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Sequence

from service.worker.connection import Connection
from service.worker.fast_path import FastPath

_LOG = logging.getLogger(__name__)

# Of one look-up: what has arrived of its result is taken in one piece.
_MOST = 256


class Lookups:
    """Has ``fast_path`` look up all that ``gathered`` during the last look-up, and ``epoll`` watch for the result.

    ``descriptor`` becomes readable with it. A fast path that raises is logged, and counts as one that found nothing.
    """

    def __init__(self, fast_path: FastPath, epoll: select.epoll) -> None:
        self._fast_path = fast_path
        self._epoll = epoll
        self.gathered: list[Connection] = []
        self._asked: list[Connection] = []
        self._until = 0.0
        self._socket: socket.socket | None = None
        self.descriptor = -1

    def wait_seconds(self, most: float) -> float:
        """How long to wait for events, ``most`` if nothing is under way."""
        return min(most, max(0.0, self._until - time.monotonic())) if self._asked else most

    def can_begin(self) -> bool:
        """Whether requests gathered and nothing is under way."""
        return bool(self.gathered) and not self._asked

    def can_end(self, is_readable: bool) -> bool:
        """Whether the one that is under way has a result, or is out of time."""
        return bool(self._asked) and (is_readable or time.monotonic() >= self._until)

    def begin(self) -> Sequence[Connection]:
        """Look up all that gathered; return those that cannot be looked up now."""
        asked, self.gathered = self.gathered[:_MOST], self.gathered[_MOST:]
        try:
            result = self._fast_path.begin([connection.request for connection in asked])
        except Exception:
            _LOG.exception("the fast path failed to look up")
            return asked
        if result is None:
            return asked
        self._asked, self._until = asked, time.monotonic() + self._fast_path.look_up_seconds
        if result is not self._socket:  # connected anew; the kernel has forgotten the one before
            self._epoll.register(result, select.EPOLLIN)
            self._socket, self.descriptor = result, result.fileno()
        return ()

    def end(self, common: bytes) -> tuple[Sequence[Connection], Sequence[bytes | None]]:
        """Connections that were looked up, and their responses, None where nothing was found; nobody if it goes on.

        What has arrived is taken however late it is: the loop may have stood still.
        """
        asked = self._asked
        try:
            answers = self._fast_path.receive([connection.request for connection in asked], common)
            if answers is None and time.monotonic() < self._until:
                return (), ()
            if answers is None:
                self._fast_path.abandon()
        except Exception:
            _LOG.exception("the fast path failed to take a look-up's result")
            answers = None
        self._asked = []
        return asked, answers if answers is not None else [None] * len(asked)

    def forget_socket(self) -> None:
        """It is readable though nothing is under way: the other side has closed it."""
        if self._socket is not None and self._socket.fileno() >= 0:
            self._epoll.unregister(self._socket)
        self._socket, self.descriptor = None, -1
