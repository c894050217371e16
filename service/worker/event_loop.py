"""The event loop: reads every socket that is ready, then answers all that was received, together."""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from service.coroutines import READABLE, WRITABLE
from service.worker.batcher import Batcher
from service.worker.common_headers import CommonHeaders
from service.worker.connection import Connection, Connections, may_become_a_head
from service.worker.fast_path import FastPath
from service.worker.fast_path import Response as FastResponse
from service.worker.listeners import Listeners
from service.worker.slow_path import Exchange, Response, SlowPath
from service.worker.tasks import Tasks

# A client may take this long to send the rest of a head, or to take the rest of a response.
_STALL_SECONDS = 5.0
# After a last response: for the client to take it and to close its end.
_END_SECONDS = 2.0
# A worker that stops answers what arrives on idle connections for so long: a client may be sending already.
_LINGER_SECONDS = 2.0
_WAKE_UPS_A_TICK = 4096

_END_OF_HEAD = b"\r\n\r\n"

_IN_SLOW_PATH = object()


class EventLoop:
    """Serves clients of ``listeners`` on both paths, at most ``most_connections`` at once.

    ``pipe`` is one to write a byte to when the loop shall wake up. ``keep_alive_seconds`` is how long a connection may
    be idle. ``requests`` counts what was answered.
    """

    def __init__(
        self,
        listeners: Sequence[socket.socket],
        pipe: tuple[int, int],
        fast_path: FastPath,
        slow_path: SlowPath,
        most_connections: int,
        keep_alive_seconds: float,
    ) -> None:
        self._wake_up_receiver, self._wake_up_sender = pipe
        self._fast_path, self._slow_path = fast_path, slow_path
        self._most_connections = most_connections
        self._keep_alive_seconds = keep_alive_seconds
        self._is_stopping = False
        self.requests = 0
        self._from_threads: deque[Callable[[], None]] = deque()
        self._epoll = select.epoll()
        self._epoll.register(self._wake_up_receiver, READABLE)
        self.connections = Connections(self._epoll)
        self._listeners = Listeners(listeners, self._epoll)
        self._common = CommonHeaders()
        self._tasks = Tasks(self._epoll, self._call)
        self._batchers = {
            name: Batcher(stage, self._tasks, lambda: self._common.lines, self._batch_answered)
            for name, stage in fast_path.stages.items()
        }
        self._all_batchers = tuple(self._batchers.values())
        self._swept = self._heartbeat = 0.0
        self._read_clock()

    def tick(self, seconds: float) -> None:
        """Wait for events, at most so many ``seconds``; read all that is ready, answer it in batches."""
        self._listeners.watch(not self._is_stopping and len(self.connections) < self._most_connections, self._now)
        get = self.connections.get
        for descriptor, _ in self._epoll.poll(self._wait_seconds(seconds)):
            if (connection := get(descriptor)) is not None:
                self._ready(connection)
            elif descriptor in self._tasks:
                self._tasks.ready(descriptor)
            elif descriptor == self._wake_up_receiver:
                self._wake_up()
            elif descriptor in self._listeners:
                self._accept(descriptor)
        self._read_clock()
        self._tasks.run()
        self._begin_batches()
        if self._now - self._swept >= 1.0:
            self._swept = self._now
            self._close_late()

    def is_time_for_heartbeat(self) -> bool:
        """Whether to tell the master that the loop lives: once a second, as each time is a system call."""
        if self._now - self._heartbeat < 1.0:
            return False
        self._heartbeat = self._now
        return True

    def stop(self) -> None:
        """Accept nobody any more; what arrives within two seconds is answered as the last of its connection."""
        self._is_stopping = self._slow_path.is_stopping = True
        for connection in self._listeners.close(self._most_connections, self._now):
            self._add(connection)
        for connection in self.connections:
            connection.timeout = min(connection.timeout, self._now + _LINGER_SECONDS)

    def close(self) -> None:
        """Close everything."""
        for connection in self.connections:
            self.connections.close(connection)
        self._epoll.close()

    def _wait_seconds(self, most: float) -> float:
        for batcher in self._all_batchers:
            if batcher.gathered:
                most = batcher.wait_seconds(most)
        return self._tasks.wait_seconds(most)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        """Have a function called by the loop, from a thread."""
        self._from_threads.append(partial(function, *arguments))
        with suppress(BlockingIOError):  # so many bytes wake it up too
            os.write(self._wake_up_sender, b"\0")

    def _wake_up(self) -> None:
        os.read(self._wake_up_receiver, _WAKE_UPS_A_TICK)  # signals write to it too
        self._read_clock()
        while self._from_threads:
            self._from_threads.popleft()()

    def _accept(self, descriptor: int) -> None:
        for connection in self._listeners.accept(descriptor, self._most_connections - len(self.connections), self._now):
            self._add(connection)

    def _add(self, connection: Connection) -> None:
        self.connections.add(connection)
        connection.timeout = self._idle_until

    def _ready(self, connection: Connection) -> None:
        if connection.request is not None:
            self.connections.unwatch(connection)  # what arrives before the response has to wait for it
        elif connection.rest is not None:
            self._send_rest(connection, connection.rest)
        elif connection.is_last:
            self._discard(connection)
        else:
            self._receive(connection)

    def _receive(self, connection: Connection) -> None:
        raw = connection.receive()
        if raw is None:
            if connection.head:
                self._hand_over(connection)  # gunicorn may have something to say about half a request
            else:
                self.connections.close(connection)
        else:
            self._received(connection, raw)

    def _received(self, connection: Connection, raw: bytes) -> None:
        if raw.endswith(_END_OF_HEAD) or _END_OF_HEAD in raw:  # whether a body is all there the fast path sees
            connection.head = raw
            connection.request = None if self._is_stopping else self._fast_path.match(raw, connection.address)
            if connection.request is None:
                self._hand_over(connection)
            else:
                self._batchers[connection.request.stage].gathered.append(connection)
            return
        if raw and not connection.head:
            connection.timeout = self._now + _STALL_SECONDS
        connection.head = raw
        if raw and not may_become_a_head(raw):
            self._hand_over(connection)

    def _begin_batches(self) -> None:
        for batcher in self._all_batchers:
            if batcher.gathered:
                for connection in batcher.begin():
                    self._send(connection, self._fast_path.overloaded(connection.request, self._common.lines))

    def _batch_answered(self, batch: Sequence[Connection], responses: Sequence[FastResponse]) -> None:
        self._begin_batches()  # under way while the responses are sent
        for connection, response in zip(batch, responses, strict=True):
            if isinstance(response, bytes):
                self._send(connection, response)
            elif response is None:
                self._hand_over(connection)
            else:
                connection.request = response
                self._batchers[response.stage].gathered.append(connection)
        self.requests += len(batch)

    def _hand_over(self, connection: Connection) -> None:
        """Leave a request, with every byte of it, to gunicorn's parser and the application."""
        connection.request = _IN_SLOW_PATH
        self.connections.unwatch(connection)
        exchange = Exchange(connection.socket, connection.address, connection.server, connection.head)
        self._slow_path.submit(exchange, partial(self._call, self._answered, connection))

    def _answered(self, connection: Connection, response: Response) -> None:
        if connection not in self.connections:
            return
        self.requests += 1
        connection.is_last = not response.keep_alive
        raw = response.raw
        if response.status is not None:
            raw += self._fast_path.malformed(response.status, self._common.closing)
        self._send(connection, raw, response.read_ahead)

    def _send(self, connection: Connection, response: bytes, read_ahead: bytes = b"") -> None:
        delivered = connection.send(response)
        connection.request, connection.head = None, read_ahead
        self._sent(connection, delivered)

    def _send_rest(self, connection: Connection, rest: memoryview) -> None:
        delivered = connection.send(rest)
        if not delivered or connection.rest is None:
            self._note_late(connection, is_whole=delivered)
        self._sent(connection, delivered)

    def _note_late(self, connection: Connection, *, is_whole: bool) -> None:
        if connection.unsent is not None:
            (received, response, since), connection.unsent = connection.unsent, None
            self._fast_path.taken(received, response, time.monotonic() - since, is_whole=is_whole)

    def _sent(self, connection: Connection, delivered: bool) -> None:
        if not delivered:
            self.connections.close(connection)
        elif connection.rest is not None:
            connection.timeout = self._now + _STALL_SECONDS
            self.connections.watch(connection, WRITABLE)
        elif connection.is_last:
            connection.end()
            connection.timeout = self._now + _END_SECONDS
            self.connections.watch(connection, READABLE)
        else:
            connection.timeout = self._idle_until
            self.connections.watch(connection, READABLE)
            if connection.head:  # the next request, or some of it, came with the last
                read_ahead, connection.head = connection.head, b""
                self._received(connection, read_ahead)

    def _discard(self, connection: Connection) -> None:
        if connection.receive() is None:
            self.connections.close(connection)

    def _close_late(self) -> None:
        for connection in self.connections:
            if connection.timeout <= self._now and connection.request is None:
                self._note_late(connection, is_whole=False)
                self.connections.close(connection)

    def _read_clock(self) -> None:
        self._now = time.monotonic()
        self._idle_until = self._now + (_LINGER_SECONDS if self._is_stopping else self._keep_alive_seconds)
        self._common.update(self._now)
