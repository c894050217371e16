"""Looks of the door into its cache: one is under way while the next gathers."""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Sequence

from service.worker.connection import Connection
from service.worker.door import Door

_LOG = logging.getLogger(__name__)

# Of one look-up: what arrives of its answer is taken in one piece.
_MOST = 256


class Lookups:
    """Shows ``door`` all connections whose requests ``gathered`` meanwhile, and has ``epoll`` watch for its answer.

    ``descriptor`` becomes readable with it. A door that raises is logged; it counts as one that has found nothing.
    """

    def __init__(self, door: Door, epoll: select.epoll) -> None:
        self._door = door
        self._epoll = epoll
        self.gathered: list[Connection] = []
        self._asked: list[Connection] = []
        self._until = 0.0
        self._socket: socket.socket | None = None
        self.descriptor = -1

    def patience_seconds(self, most: float) -> float:
        """How long to wait for events, ``most`` if nothing is under way."""
        return min(most, max(0.0, self._until - time.monotonic())) if self._asked else most

    def can_begin(self) -> bool:
        """Whether requests gathered and nothing is under way."""
        return bool(self.gathered) and not self._asked

    def can_end(self, is_readable: bool) -> bool:
        """Whether the one that is under way is answered, or out of time."""
        return bool(self._asked) and (is_readable or time.monotonic() >= self._until)

    def begin(self) -> Sequence[Connection]:
        """Ask about all that gathered; return those of whom nothing can be found out."""
        asked, self.gathered = self.gathered[:_MOST], self.gathered[_MOST:]
        try:
            answer_from = self._door.begin([connection.request for connection in asked])
        except Exception:
            _LOG.exception("the door failed to ask")
            return asked
        if answer_from is None:
            return asked
        self._asked, self._until = asked, time.monotonic() + self._door.answer_seconds
        if answer_from is not self._socket:  # connected anew; the kernel has forgotten the one before
            self._epoll.register(answer_from, select.EPOLLIN)
            self._socket, self.descriptor = answer_from, answer_from.fileno()
        return ()

    def end(self, common: bytes) -> tuple[Sequence[Connection], Sequence[bytes | None]]:
        """Those who were asked about, and what to answer each, None where nothing was found; nobody if it goes on.

        What has arrived is taken however late it is: the loop may have stood still.
        """
        asked = self._asked
        try:
            answers = self._door.receive([connection.request for connection in asked], common)
            if answers is None and time.monotonic() < self._until:
                return (), ()
            if answers is None:
                self._door.abandon()
        except Exception:
            _LOG.exception("the door failed to answer")
            answers = None
        self._asked = []
        return asked, answers if answers is not None else [None] * len(asked)

    def forget_socket(self) -> None:
        """It is readable though nothing is under way: the other side has closed it."""
        if self._socket is not None and self._socket.fileno() >= 0:
            self._epoll.unregister(self._socket)
        self._socket, self.descriptor = None, -1
