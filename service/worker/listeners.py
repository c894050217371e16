"""Listening sockets, and when to accept clients."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Iterator, Sequence

from service.coroutines import READABLE
from service.worker.connection import Connection

_ACCEPTS_A_TICK = 64
# No descriptors or memory left, here or on the whole host: clients wait to be accepted until there are.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_ROOM_PAUSE_SECONDS = 0.1


class Listeners:
    """Listening sockets, watched by ``epoll`` while clients can be accepted."""

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
        """Start or stop watching for clients; after a failed accept, start only after a pause."""
        if wanted != self._watched and (not wanted or now >= self._again_at):
            for descriptor in self._sockets:
                if wanted:
                    self._epoll.register(descriptor, READABLE)
                else:
                    self._epoll.unregister(descriptor)
            self._watched = wanted

    def accept(self, descriptor: int, most: int, now: float) -> Iterator[Connection]:
        """Accept up to ``most`` clients that wait on a socket."""
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
        """Accept the clients that are already connected, then close the sockets."""
        self.watch(False, now)
        for descriptor, each in list(self._sockets.items()):
            yield from self.accept(descriptor, most, now)
            each.close()
            del self._sockets[descriptor]
