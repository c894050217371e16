"""Requests to carts on kept-alive connections, and what is said to them."""

import http.client
import json
import socket
import struct
from typing import NamedTuple

from tests.ledger.expected import Outcome

_TIMEOUT_SECONDS = 10.0
_RESET = struct.pack("ii", 1, 0)  # closed by RST: the kernel drops what was not sent
# As a balancer before the instances would say it, so that a first addition has the same cart through each of them.
_FORWARDED = {"X-Forwarded-For": "127.0.0.1"}


class Request(NamedTuple):
    """A request; ``token`` is that of its cart, ``key`` its Idempotency-Key."""

    method: str
    path: str
    body: dict[str, int] | None = None
    token: str | None = None
    key: str | None = None

    def encoded(self) -> bytes:
        body = json.dumps(self.body) if self.body else ""
        headers = {
            "Host": "localhost",
            "Content-Type": "application/json" if body else None,
            "Content-Length": str(len(body)) if body else None,
            "X-Cart-Token": self.token,
            "Idempotency-Key": self.key,
            **_FORWARDED,
        }
        lines = [f"{name}: {value}" for name, value in headers.items() if value]
        return "\r\n".join([f"{self.method} {self.path} HTTP/1.1", *lines, "", body]).encode("ascii")


class Answer(NamedTuple):
    """What came back; status 0 if nothing did."""

    status: int
    token: str | None = None
    is_replayed: bool = False
    body: bytes = b""

    @property
    def outcome(self) -> Outcome:
        if 200 <= self.status < 300:
            return Outcome.ACKNOWLEDGED
        return Outcome.REFUSED if 400 <= self.status < 500 else Outcome.UNKNOWN


NO_ANSWER = Answer(0)


class Connection:
    """One kept-alive connection, made anew after it was lost. No request is sent twice.

    A request is sent at once, as the fast path takes it. What could not be delivered when it is closed never will be.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = host, int(port)
        self._socket: socket.socket | None = None

    def send(self, request: Request) -> None:
        try:
            if self._socket is None:
                self._socket = socket.create_connection(self._address, _TIMEOUT_SECONDS)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._socket.sendall(request.encoded())
        except OSError:
            self.close()

    def answer(self) -> Answer:
        """The answer to what was sent last."""
        if self._socket is None:
            return NO_ANSWER
        try:
            response = http.client.HTTPResponse(self._socket)
            response.begin()
            body, said = response.read(), response.getheader
        except (OSError, http.client.HTTPException):
            self.close()
            return NO_ANSWER
        if response.will_close:
            self.close()
        return Answer(response.status, said("X-Cart-Token"), said("Idempotency-Replayed") == "true", body)

    def ask(self, request: Request) -> Answer:
        self.send(request)
        return self.answer()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
