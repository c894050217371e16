"""The open loop: requests are due at a constant rate, whether or not the earlier ones are answered.

A request's latency counts from the moment it was due, not from when it was sent: if no connection is free, or this
process is late, the wait counts too. Each connection has one request under way. The poller wakes once a millisecond, so
that up to a millisecond of every latency is this client's own.
"""

import gc
import math
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_TIMEOUT_SECONDS = 5.0  # for the last answers


class Outcome(NamedTuple):
    """How long it took and what came; latencies in seconds, ascending, endless for answers that are missing."""

    seconds: float
    answers: int
    errors: int
    latencies: list[float]

    def percentile(self, share: float) -> float:
        """The latency that this share of all requests did not exceed."""
        return percentile(self.latencies, share)


def percentile(ascending: Sequence[float], share: float) -> float:
    """The value that this share of all did not exceed."""
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=_TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.request, self.received, self.due, self.sent = b"", b"", 0.0, 0.0

    def ask(self, request: bytes, due: float) -> None:
        self.request, self.received, self.due, self.sent = request, b"", due, time.perf_counter()
        self.socket.send(request)

    def answered(self) -> bool | None:
        """Whether it was 200 or 201; None while more must come. Raises OSError if none will."""
        try:
            more = self.socket.recv(65536)
        except BlockingIOError:  # the event was of a connection that failed, whose number this one got
            return None
        if not more:
            raise ConnectionResetError
        self.received += more
        head = self.received.find(b"\r\n\r\n")
        length = _LENGTH.search(self.received, 0, head + 2) if head > 0 else None
        if head < 0 or (length and len(self.received) < head + 4 + int(length[1])):
            return None
        return length is not None and self.received[9:11] == b"20"


class OpenLoop:
    """A run of ``seconds`` at ``rate`` requests per second against ``host:port``.

    ``seen`` is told of every answer: its request, when that was sent and this was whole, and the answer's bytes.
    """

    def __init__(
        self,
        address: str,
        request: Callable[[], bytes],
        rate: float,
        seconds: float,
        connections: int = 256,
        seen: Callable[[bytes, float, float, bytes], None] = lambda *_: None,
    ) -> None:
        host, _, port = address.rpartition(":")
        self.address, self.request, self.rate, self.seconds = (host, int(port)), request, rate, seconds
        self.total, self.seen = int(rate * seconds), seen
        self.sent = self.errors = 0
        self.latencies: list[float] = []
        self.poller = select.epoll()
        self.at_once = connections
        self.connections: dict[int, _Connection] = {}
        self.idle: deque[_Connection] = deque()

    def run(self) -> Outcome:
        """Send all and wait for the answers; raises OSError if nobody listens there."""
        for _ in range(self.at_once):
            self._connect()
        gc.collect()
        gc.disable()
        try:
            return self._run(time.perf_counter())
        finally:
            gc.enable()
            self.poller.close()
            for connection in self.connections.values():
                connection.socket.close()

    def _run(self, begin: float) -> Outcome:
        now = begin
        while len(self.latencies) < self.total and now < begin + self.seconds + _TIMEOUT_SECONDS:
            while self.idle and self.sent < self.total and (due := begin + self.sent / self.rate) <= now:
                self._ask(due)
            for descriptor, _ in self.poller.poll(0.001):
                self._read(self.connections[descriptor])
            now = time.perf_counter()
        answers = len(self.latencies)
        missing = self.total - answers
        latencies = sorted(self.latencies) + [math.inf] * missing
        return Outcome(max(now - begin, self.seconds), answers, self.errors + missing, latencies)

    def _connect(self) -> None:
        connection = _Connection(self.address)
        self.connections[connection.socket.fileno()] = connection
        self.poller.register(connection.socket, select.EPOLLIN)
        self.idle.append(connection)

    def _ask(self, due: float) -> None:
        self.sent += 1
        connection = self.idle.popleft()
        try:
            connection.ask(self.request(), due)
        except OSError:
            self._fail(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            good = connection.answered()
        except OSError:
            self._fail(connection)
        else:
            if good is not None:
                now = time.perf_counter()
                self.seen(connection.request, connection.sent, now, connection.received)
                self.latencies.append(now - connection.due)
                self.errors += not good
                self.idle.append(connection)

    def _fail(self, connection: _Connection) -> None:
        """Count a request that gets no answer, and connect anew."""
        if connection not in self.idle:
            self.errors += 1
            self.latencies.append(time.perf_counter() - connection.due)
        else:
            self.idle.remove(connection)
        del self.connections[connection.socket.fileno()]
        connection.socket.close()
        self._connect()
