"""The poll loop: reads every socket that is ready, then answers all that came, together."""

from __future__ import annotations

import errno
import gc
import select
import socket
import time
from collections.abc import Sequence
from functools import partial

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from service.worker.common_headers import CommonHeaders
from service.worker.connection import READABLE, WRITABLE, Connection, Connections, may_become_a_head
from service.worker.door import Door
from service.worker.fills import Fills
from service.worker.lookups import Lookups

# A client may take this long to send the rest of a head, or to take the rest of an answer.
_STALL_SECONDS = 5.0
_ACCEPTS_A_TICK = 64
# Of descriptors or memory, here or on the whole host: whoever waits to be accepted goes on waiting.
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_ROOM_PAUSE_SECONDS = 0.1


class BatchWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a door before it: ``extensions["door"]`` of the Flask application."""

    def run(self) -> None:
        """Work until told to stop; then end as the stock worker does."""
        self._door: Door = self.wsgi.extensions["door"]
        self._fills: Fills[Connection, bytes] = Fills(self._fill, partial(self.method_queue.defer, self._filled))
        self._epoll = select.epoll()
        self._gunicorns = self.poller.fileno()  # listeners, threads, and clients that came back from them
        self._epoll.register(self._gunicorns, READABLE)
        self._connections = Connections(self._epoll)
        self._lookups = Lookups(self._door, self._epoll)
        self._keepalive = float(self.cfg.keepalive)  # gunicorn looks a setting up by name each time
        self._read_clock()
        self._swept, self._notified, self._accept_again_at = self._now, 0.0, 0.0
        self._common = CommonHeaders()
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
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._accept_again_at = self._now + _NO_ROOM_PAUSE_SECONDS
                self.set_accept_enabled(False)
                return
            self.nr_conns += 1
            self._adopt(Connection(self.cfg, client, address, listener.getsockname()))

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or end accepting; for good once this worker stops. Not begun soon after there was no room for a client.

        Whoever connects to a socket that is open and not watched waits for an answer until the worker has ended.
        """
        if enabled and self._now < self._accept_again_at:
            return
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
        """One tick: read whatever is ready; look up all of it at once; answer what was looked up before."""
        connections, door_is_readable = self._connections, False
        for descriptor, _ in self._epoll.poll(self._lookups.patience_seconds(timeout)):
            if (connection := connections.get(descriptor)) is not None:
                self._read(connection)
            elif descriptor == self._lookups.descriptor:
                door_is_readable = True
            elif descriptor == self._gunicorns:
                super().wait_for_and_dispatch_events(0)
        self._read_clock()
        if self._lookups.can_end(door_is_readable):
            self._end_lookup()
        elif door_is_readable:
            self._lookups.forget_socket()
        while self._lookups.can_begin():
            self._miss(self._lookups.begin())

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections whose time is over; those of the fast road are looked at once a second."""
        super().murder_keepalived(force)
        if force or self._now - self._swept >= 1.0:
            self._swept = self._now
            for connection in self._connections:
                if force or (connection.timeout <= self._now and connection.request is None):
                    self._drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for connection in self._connections:
            connection.timeout = min(connection.timeout, deadline)

    def _read(self, connection: Connection) -> None:
        if connection.request is not None:
            self._connections.unwatch(connection)  # what comes before the answer has to wait for it
            return
        if connection.rest is not None:
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
                self._lookups.gathered.append(connection)
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

    def _end_lookup(self) -> None:
        """Send what the door has found, while it looks for the next."""
        asked, answers = self._lookups.end(self._common.lines(self._now))
        while self._lookups.can_begin():
            self._miss(self._lookups.begin())
        self.nr += len(asked)
        if self.nr >= self.max_requests:
            self.alive = False
        missed = []
        for connection, answer in zip(asked, answers, strict=True):
            if answer is None:
                missed.append(connection)
            else:
                self._send(connection, answer)
        self._miss(missed)

    def _miss(self, missed: Sequence[Connection]) -> None:
        if missed and (refused := self._fills.put(missed)):
            requests = [connection.request for connection in refused]
            self._filled(refused, self._door.refuse(requests, self._common.lines(self._now)))

    def _fill(self, batch: Sequence[Connection]) -> Sequence[bytes | None]:
        return self._door.fill([connection.request for connection in batch], self._common.lines(self._now))

    def _filled(self, batch: Sequence[Connection], answers: Sequence[bytes | None]) -> None:
        self._read_clock()
        for connection, answer in zip(batch, answers, strict=True):
            if connection not in self._connections:
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
        elif connection.rest is not None:
            self._connections.watch(connection, WRITABLE)
            connection.timeout = self._now + _STALL_SECONDS
        else:
            connection.timeout = self._idle_until
            if connection.watched != READABLE:
                self._connections.watch(connection, READABLE)

    def _adopt(self, connection: Connection) -> None:
        self._connections.add(connection)
        connection.timeout = self._idle_until

    def _hand_over(self, connection: Connection) -> None:
        """Let gunicorn's parser and the application answer what came."""
        self._connections.remove(connection)
        raw, connection.head, connection.request = connection.head, b"", None
        connection.init()
        connection.parser.unreader.unread(raw)
        self.enqueue_req(connection)

    def _drop(self, connection: Connection) -> None:
        self._connections.remove(connection)
        self.nr_conns -= 1
        connection.close()

    def _read_clock(self) -> None:
        self._now = time.monotonic()
        self._idle_until = self._now + (self._keepalive if self.alive else STOP_KEEPALIVE_LINGER)
