"""Batched look-ups of the fast path in its cache, one at a time."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Sequence

from service.worker.connection import Connection
from service.worker.fast_path import FastPath

_LOG = logging.getLogger(__name__)

# Requests in one look-up: its result is parsed in one go, during which the event loop does nothing else.
_MOST = 256


class Lookups:
    """Looks up in ``fast_path`` what was ``gathered`` during the last look-up; ``epoll`` watches for the result.

    ``descriptor`` becomes readable with it. An exception of the fast path is logged, and counts as nothing found.
    """

    def __init__(self, fast_path: FastPath, epoll: select.epoll) -> None:
        self._fast_path = fast_path
        self._epoll = epoll
        self.gathered: list[Connection] = []
        self._in_flight: list[Connection] = []
        self._until = 0.0
        self._socket: socket.socket | None = None
        self.descriptor = -1

    def wait_seconds(self, most: float) -> float:
        """How long to wait for events: ``most``, or until the deadline of the look-up in flight."""
        return min(most, max(0.0, self._until - time.monotonic())) if self._in_flight else most

    def can_begin(self) -> bool:
        """Whether requests have gathered and no look-up is in flight."""
        return bool(self.gathered) and not self._in_flight

    def can_end(self, is_readable: bool) -> bool:
        """Whether the look-up in flight has a result, or is past its deadline."""
        return bool(self._in_flight) and (is_readable or time.monotonic() >= self._until)

    def begin(self) -> Sequence[Connection]:
        """Look up what has gathered; return requests that cannot be looked up now."""
        batch, self.gathered = self.gathered[:_MOST], self.gathered[_MOST:]
        try:
            result = self._fast_path.begin([connection.request for connection in batch])
        except Exception:
            _LOG.exception("the fast path failed to look up")
            return batch
        if result is None:
            return batch
        self._in_flight, self._until = batch, time.monotonic() + self._fast_path.look_up_seconds
        if result is not self._socket:  # reconnected; closing the old one unregistered it
            self._epoll.register(result, select.EPOLLIN)
            self._socket, self.descriptor = result, result.fileno()
        return ()

    def end(self, common: bytes) -> tuple[Sequence[Connection], Sequence[bytes | None]]:
        """The connections looked up and their responses, None where nothing was found; empty while in flight.

        A result that has arrived is taken however late it is: the loop may have been blocked.
        """
        batch = self._in_flight
        try:
            answers = self._fast_path.receive([connection.request for connection in batch], common)
            if answers is None and time.monotonic() < self._until:
                return (), ()
            if answers is None:
                self._fast_path.abandon()
        except Exception:
            _LOG.exception("the fast path failed to take a look-up's result")
            answers = None
        self._in_flight = []
        return batch, answers if answers is not None else [None] * len(batch)

    def forget_socket(self) -> None:
        """Called when it is readable with no look-up in flight: the server has closed it."""
        if self._socket is not None and self._socket.fileno() >= 0:
            self._epoll.unregister(self._socket)
        self._socket, self.descriptor = None, -1
