"""The poll loop: reads every socket that is ready, then answers all that came, together."""

from __future__ import annotations

import gc
import logging
import select
import socket
import time
from collections.abc import Sequence
from functools import partial

from gunicorn.http.wsgi import SERVER
from gunicorn.util import http_date
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from service.worker.connection import Connection, may_become_a_head
from service.worker.door import Door
from service.worker.fills import Fills

_LOG = logging.getLogger(__name__)

# A client may take this long to send the rest of a head, or to take the rest of an answer.
_STALL_SECONDS = 5.0
_ACCEPTS_A_TICK = 64

_READABLE, _WRITABLE = select.EPOLLIN, select.EPOLLOUT


class BatchWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a door before it: ``extensions["door"]`` of the Flask application."""

    def run(self) -> None:
        """Work until told to stop; then end as the stock worker does."""
        self._door: Door = self.wsgi.extensions["door"]
        self._fills: Fills[Connection, bytes] = Fills(self._fill, partial(self.method_queue.defer, self._filled))
        self._epoll = select.epoll()
        self._gunicorns = self.poller.fileno()  # listeners, threads, and clients that came back from them
        self._epoll.register(self._gunicorns, _READABLE)
        self._connections: dict[int, Connection] = {}  # by file descriptor
        self._ready: list[Connection] = []
        self._asked: list[Connection] = []
        self._asked_until = 0.0
        self._door_socket: socket.socket | None = None
        self._keepalive = float(self.cfg.keepalive)  # gunicorn looks a setting up by name each time
        self._read_clock()
        self._swept, self._notified = self._now, 0.0
        self._common, self._common_until = b"", 0.0
        gc.collect()
        gc.freeze()  # what was loaded stays: no later collection has to look at it
        super().run()
        self._fills.close()
        self._epoll.close()

    def notify(self) -> None:
        """Tell the master that the loop lives: once a second is enough for it, once a tick is a wasted system call."""
        if self._now - self._notified >= 1.0:
            self._notified = self._now
            super().notify()

    def accept(self, listener: socket.socket) -> None:
        """Accept what waits and watch it: no thread is spent before a request is there."""
        for _ in range(min(_ACCEPTS_A_TICK, self.worker_connections - self.nr_conns)):
            try:
                client, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            self.nr_conns += 1
            self._adopt(Connection(self.cfg, client, address, listener.getsockname()))

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end accepting; for good once this worker stops.

        Whoever connects to a socket that is open and not watched waits for an answer until the worker has ended.
        """
        super().set_accept_enabled(enabled)
        while self.sockets and not self.alive:
            listener = self.sockets.pop()
            self.accept(listener)
            listener.close()

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Show the door the next request of a connection that came back from the thread pool."""
        self.keepalived_conns.remove(conn)
        self.poller.unregister(client)
        self._adopt(conn)
        self._read(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One tick: read whatever is ready; ask about all of it at once; answer what was asked before."""
        if self._asked:
            timeout = min(timeout, max(0.0, self._asked_until - time.monotonic()))
        connections, said = self._connections, False
        for descriptor, _ in self._epoll.poll(timeout):
            if (connection := connections.get(descriptor)) is not None:
                self._read(connection)
            elif descriptor == self._gunicorns:
                super().wait_for_and_dispatch_events(0)
            else:
                said = True
        self._read_clock()
        if said and not self._asked:
            self._forget_door_socket()
        elif said or (self._asked and self._now >= self._asked_until):
            self._take()
        elif self._ready and not self._asked:
            self._ask()

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections whose time is over; those of the fast road are looked at once a second."""
        super().murder_keepalived(force)
        if force or self._now - self._swept >= 1.0:
            self._swept = self._now
            for connection in list(self._connections.values()):
                if force or (connection.timeout <= self._now and connection.request is None):
                    self._drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for connection in self._connections.values():
            connection.timeout = min(connection.timeout, deadline)

    def _read(self, connection: Connection) -> None:
        if connection.request is not None:
            self._unwatch(connection)  # what comes before the answer has to wait for it
            return
        if connection.rest:
            self._sent(connection, connection.send(connection.rest))
            return
        raw = connection.receive()
        if raw is None:
            self._gone(connection)
        elif raw.endswith(b"\r\n\r\n"):
            connection.head = raw
            connection.request = self._door.recognise(raw) if self.alive else None
            if connection.request is None:
                self._hand_over(connection)
            else:
                self._ready.append(connection)
        else:
            self._read_more(connection, raw)

    def _read_more(self, connection: Connection, raw: bytes) -> None:
        if raw and not connection.head:
            connection.timeout = self._now + _STALL_SECONDS
        connection.head = raw
        if raw and not may_become_a_head(raw):
            self._hand_over(connection)

    def _gone(self, connection: Connection) -> None:
        if connection.head:
            self._hand_over(connection)  # gunicorn may have something to say about half a request
        else:
            self._drop(connection)

    def _ask(self) -> None:
        """Show the door all that is ready."""
        asked, self._ready = self._ready, []
        try:
            door_socket = self._door.ask([connection.request for connection in asked])
        except Exception:
            self._door_failed(asked)
            return
        if door_socket is None:
            self._miss(asked)
            return
        self._asked, self._asked_until = asked, time.monotonic() + self._door.answer_seconds
        if door_socket is not self._door_socket:  # connected anew; the kernel has forgotten the one before
            self._epoll.register(door_socket, _READABLE)
            self._door_socket = door_socket

    def _take(self) -> None:
        """Send what the door has to say to those who were shown to it, while it finds out about the next."""
        asked, self._asked = self._asked, []
        try:
            answers = self._door.take([connection.request for connection in asked], self._common_headers())
        except Exception:
            self._door_failed(asked)
            return
        if self._ready:
            self._ask()
        self.nr += len(asked)
        if self.nr >= self.max_requests:
            self.alive = False
        missed = []
        for connection, answer in zip(asked, answers, strict=True):
            if answer is None:
                missed.append(connection)
            else:
                self._send(connection, answer)
        if missed:
            self._miss(missed)

    def _forget_door_socket(self) -> None:
        """It is readable though nobody asked: the other side has closed it."""
        if self._door_socket is not None and self._door_socket.fileno() >= 0:
            self._epoll.unregister(self._door_socket)
        self._door_socket = None

    def _door_failed(self, asked: Sequence[Connection]) -> None:
        _LOG.exception("the door failed; the application answers")
        for connection in asked:
            self._hand_over(connection)

    def _miss(self, missed: Sequence[Connection]) -> None:
        if refused := self._fills.put(missed):
            requests = [connection.request for connection in refused]
            self._filled(refused, self._door.refuse(requests, self._common_headers()))

    def _fill(self, batch: Sequence[Connection]) -> Sequence[bytes | None]:
        return self._door.fill([connection.request for connection in batch], self._common_headers())

    def _filled(self, batch: Sequence[Connection], answers: Sequence[bytes | None]) -> None:
        self._read_clock()
        for connection, answer in zip(batch, answers, strict=True):
            if self._connections.get(connection.descriptor) is not connection:
                continue  # closed by force meanwhile
            if answer is None:
                self._hand_over(connection)
            else:
                self._send(connection, answer)

    def _send(self, connection: Connection, answer: bytes) -> None:
        connection.request, connection.head = None, b""
        self._sent(connection, connection.send(answer))

    def _sent(self, connection: Connection, delivered: bool) -> None:
        if not delivered:
            self._drop(connection)
        elif connection.rest:
            self._watch(connection, _WRITABLE)
            connection.timeout = self._now + _STALL_SECONDS
        else:
            connection.timeout = self._idle_until
            if connection.watched != _READABLE:
                self._watch(connection, _READABLE)

    def _adopt(self, connection: Connection) -> None:
        self._connections[connection.descriptor] = connection
        self._watch(connection, _READABLE)
        connection.timeout = self._idle_until

    def _watch(self, connection: Connection, events: int) -> None:
        """Have the socket's ``events`` reported."""
        change = self._epoll.modify if connection.watched else self._epoll.register
        change(connection.descriptor, events)
        connection.watched = events

    def _unwatch(self, connection: Connection) -> None:
        if connection.watched:
            self._epoll.unregister(connection.descriptor)
            connection.watched = 0

    def _hand_over(self, connection: Connection) -> None:
        """Let gunicorn's parser and the application answer what came."""
        self._unwatch(connection)
        del self._connections[connection.descriptor]
        raw, connection.head, connection.request = connection.head, b"", None
        connection.init()
        connection.parser.unreader.unread(raw)
        self.enqueue_req(connection)

    def _drop(self, connection: Connection) -> None:
        self._unwatch(connection)
        del self._connections[connection.descriptor]
        self.nr_conns -= 1
        connection.close()

    def _read_clock(self) -> None:
        self._now = time.monotonic()
        self._idle_until = self._now + (self._keepalive if self.alive else STOP_KEEPALIVE_LINGER)

    def _common_headers(self) -> bytes:
        """What gunicorn sends with every answer, made anew once a second for its date."""
        if self._now >= self._common_until:
            self._common_until = self._now + 1 - time.time() % 1
            self._common = f"Server: {SERVER}\r\nDate: {http_date()}\r\nConnection: keep-alive\r\n".encode()
        return self._common
