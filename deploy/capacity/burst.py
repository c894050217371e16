"""Requests in bursts: one on each of some kept connections, then all their responses, so that instances batch them."""

import re
import socket
from collections.abc import Sequence
from typing import NamedTuple

from deploy.local.processes import StackError

_TIMEOUT_SECONDS = 10
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
_TOKEN = re.compile(rb"\r\nX-Cart-Token: (\S+)", re.IGNORECASE)


class Response(NamedTuple):
    """Status, the head, and how many bytes came in all."""

    status: int
    head: bytes
    size: int

    @property
    def cart_token(self) -> str:
        """The token of the cart that was added to."""
        found = _TOKEN.search(self.head)
        return found[1].decode() if found else ""


class Connections:
    """So many kept connections to ``host:port``."""

    def __init__(self, address: str, count: int) -> None:
        host, _, port = address.rpartition(":")
        self._sockets = [socket.create_connection((host, int(port)), _TIMEOUT_SECONDS) for _ in range(count)]

    def __enter__(self) -> "Connections":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._sockets:
            each.close()

    def burst(self, requests: Sequence[bytes]) -> list[Response]:
        """Send them all, at most one a connection, and take all responses. Raises StackError unless all are 2xx."""
        used = self._sockets[: len(requests)]
        for connection, request in zip(used, requests, strict=True):
            connection.sendall(request)
        responses = [_response(connection) for connection in used]
        if failed := [each for each in responses if each.status // 100 != 2]:
            raise StackError(f"{len(failed)} requests failed, the first with status {failed[0].status}")
        return responses


def _response(connection: socket.socket) -> Response:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _some(connection)
    head = received[: end + 4]
    length = _LENGTH.search(head)
    size = len(head) + (int(length[1]) if length else 0)
    while len(received) < size:
        received += _some(connection)
    return Response(int(head[9:12]), head, size)


def _some(connection: socket.socket) -> bytes:
    if not (data := connection.recv(65536)):
        raise StackError("nginx closed a connection")
    return data
