"""The sockets that clients connect to, and when to accept them."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator, Sequence

from service.worker.connection import READABLE, Connection

_ACCEPTS_A_TICK = 64
# Of descriptors or memory, here or on the whole host: clients wait to be accepted until there is room again.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_ROOM_PAUSE_SECONDS = 0.1


class Listeners:
    """Listening sockets, watched by ``epoll`` while there is room for clients."""

    def __init__(self, sockets: Sequence[socket.socket], epoll: select.epoll) -> None:
        self._epoll = epoll
        self._sockets = {each.fileno(): each for each in sockets}
        self._names = {each.fileno(): each.getsockname() for each in sockets}
        self._watched = False
        self._again_at = 0.0
        for each in sockets:
            each.setblocking(False)

    def __contains__(self, descriptor: int) -> bool:
        return descriptor in self._sockets

    def watch(self, wanted: bool, now: float) -> None:
        """Begin or end to wait for clients; begin no sooner than a moment after there was no room for one."""
        if wanted != self._watched and (not wanted or now >= self._again_at):
            for descriptor in self._sockets:
                if wanted:
                    self._epoll.register(descriptor, READABLE)
                else:
                    self._epoll.unregister(descriptor)
            self._watched = wanted

    def accept(self, descriptor: int, most: int, now: float) -> Iterator[Connection]:
        """Those who wait at one of the sockets, at most so many."""
        for _ in range(min(_ACCEPTS_A_TICK, most)):
            try:
                client, address = self._sockets[descriptor].accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._again_at = now + _NO_ROOM_PAUSE_SECONDS
                self.watch(False, now)
                return
            yield Connection(client, address, self._names[descriptor])

    def close(self, most: int, now: float) -> Iterator[Connection]:
        """Close the sockets after a last look: who has connected to one that is open, and not watched, would wait."""
        self.watch(False, now)
        for descriptor, each in list(self._sockets.items()):
            yield from self.accept(descriptor, most, now)
            each.close()
            del self._sockets[descriptor]
