"""The poll loop: reads every socket that is ready, then answers all that came, together."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from gunicorn.http.wsgi import SERVER
from gunicorn.util import http_date
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from service.worker.connection import Connection, may_become_a_head
from service.worker.door import Answer, Door
from service.worker.fills import Fills

_LOG = logging.getLogger(__name__)

# A client may take this long to send the rest of a head, or to take the rest of an answer.
_STALL_SECONDS = 5.0
_ACCEPTS_A_TICK = 64


class Waiting(NamedTuple):
    """A request that was recognised, and its bytes in case the application has to answer after all."""

    connection: Connection
    raw: bytes
    request: Any


class BatchWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a door before it: ``extensions["door"]`` of the Flask application."""

    def run(self) -> None:
        """Work until told to stop; then end as the stock worker does."""
        self._door: Door = self.wsgi.extensions["door"]
        self._fills: Fills[Waiting, Answer] = Fills(self._fill, partial(self.method_queue.defer, self._filled))
        self._ready: list[Waiting] = []
        self._connections: set[Connection] = set()
        self._keepalive = float(self.cfg.keepalive)  # gunicorn looks a setting up by name each time
        self._read_clock()
        self._swept, self._notified = self._now, 0.0
        self._preamble, self._preamble_until = b"", 0.0
        super().run()
        self._fills.close()

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

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """Show the door the next request of a connection that came back from the thread pool."""
        self.keepalived_conns.remove(conn)
        self.poller.unregister(client)
        self._adopt(conn)
        self._readable(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One tick: read whatever is ready, then answer all of it."""
        super().wait_for_and_dispatch_events(timeout)
        self._read_clock()
        if self._ready:
            ready, self._ready = self._ready, []
            self._answer(ready)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close connections whose time is over; those of the fast road are looked at once a second."""
        super().murder_keepalived(force)
        if force or self._now - self._swept >= 1.0:
            self._swept = self._now
            over = [one for one in self._connections if force or (one.timeout <= self._now and not one.busy)]
            for connection in over:
                self._drop(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for connection in self._connections:
            connection.timeout = min(connection.timeout, deadline)

    def _readable(self, connection: Connection, _: object = None) -> None:
        if connection not in self._connections:
            return  # closed or handed over by an earlier event of this tick
        if connection.busy:
            self._unwatch(connection)  # what comes before the answer has to wait for it
            return
        raw = connection.receive()
        if raw is not None:
            self._received(connection, raw)
        elif connection.head:
            self._hand_over(connection, connection.head)  # gunicorn may have something to say about half a request
        else:
            self._drop(connection)

    def _received(self, connection: Connection, raw: bytes) -> None:
        if raw.endswith(b"\r\n\r\n"):
            request = self._door.recognise(raw) if self.alive else None
            connection.head = b""
            if request is None:
                self._hand_over(connection, raw)
            else:
                self._ready.append(Waiting(connection, raw, request))
        elif not raw or may_become_a_head(raw):
            if raw and not connection.head:
                connection.timeout = self._now + _STALL_SECONDS
            connection.head = raw
        else:
            self._hand_over(connection, raw)

    def _writable(self, connection: Connection, _: object = None) -> None:
        if connection in self._connections:
            self._sent(connection, connection.send(connection.rest))

    def _answer(self, ready: Sequence[Waiting]) -> None:
        self.nr += len(ready)
        if self.nr >= self.max_requests:
            self.alive = False
        try:
            answers = self._door.answer([waiting.request for waiting in ready])
        except Exception:
            _LOG.exception("the door failed; the application answers")
            for waiting in ready:
                self._hand_over(waiting.connection, waiting.raw)
            return
        missed = []
        for waiting, answer in zip(ready, answers, strict=True):
            if answer is None:
                waiting.connection.busy = True
                missed.append(waiting)
            else:
                self._send(waiting.connection, answer)
        if missed:
            refused = self._fills.put(missed)
            self._filled(refused, [self._door.refuse(waiting.request) for waiting in refused])

    def _fill(self, batch: Sequence[Waiting]) -> Sequence[Answer | None]:
        return self._door.fill([waiting.request for waiting in batch])

    def _filled(self, batch: Sequence[Waiting], answers: Sequence[Answer | None]) -> None:
        self._read_clock()
        for waiting, answer in zip(batch, answers, strict=True):
            waiting.connection.busy = False
            if waiting.connection not in self._connections:
                continue  # closed by force meanwhile
            if answer is None:
                self._hand_over(waiting.connection, waiting.raw)
            else:
                self._send(waiting.connection, answer)

    def _send(self, connection: Connection, answer: Answer) -> None:
        head = (b"HTTP/1.1 ", answer.status, self._default_headers(), answer.headers, b"\r\n", answer.body)
        self._sent(connection, connection.send(b"".join(head)))

    def _sent(self, connection: Connection, delivered: bool) -> None:
        if not delivered:
            self._drop(connection)
        elif connection.rest:
            self._watch(connection, selectors.EVENT_WRITE, self._writable)
            connection.timeout = self._now + _STALL_SECONDS
        else:
            self._watch(connection, selectors.EVENT_READ, self._readable)
            connection.timeout = self._idle_until

    def _adopt(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._watch(connection, selectors.EVENT_READ, self._readable)
        connection.timeout = self._idle_until

    def _watch(self, connection: Connection, events: int, callback: Callable[..., None]) -> None:
        """Have ``callback`` called when the socket is ready for ``events``; what is so already costs nothing."""
        if connection.watched != events:
            change = self.poller.modify if connection.watched else self.poller.register
            change(connection.sock, events, partial(callback, connection))
            connection.watched = events

    def _unwatch(self, connection: Connection) -> None:
        if connection.watched:
            self.poller.unregister(connection.sock)
            connection.watched = 0

    def _hand_over(self, connection: Connection, raw: bytes) -> None:
        self._unwatch(connection)
        self._connections.discard(connection)
        connection.head = b""
        connection.init()
        connection.parser.unreader.unread(raw)
        self.enqueue_req(connection)

    def _drop(self, connection: Connection) -> None:
        self._unwatch(connection)
        self._connections.discard(connection)
        self.nr_conns -= 1
        connection.close()

    def _read_clock(self) -> None:
        self._now = time.monotonic()
        self._idle_until = self._now + (self._keepalive if self.alive else STOP_KEEPALIVE_LINGER)

    def _default_headers(self) -> bytes:
        """What gunicorn sends first, made anew once a second for its date."""
        if self._now >= self._preamble_until:
            self._preamble_until = self._now + 1 - time.time() % 1
            self._preamble = f"\r\nServer: {SERVER}\r\nDate: {http_date()}\r\nConnection: keep-alive\r\n".encode()
        return self._preamble
