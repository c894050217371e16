"""Bytes over sockets: requests that were damaged on purpose, to nginx and to an instance."""

import re
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random

ANSWER_SECONDS = 20.0  # nginx waits ten for the rest of a request
REQUESTS = (
    b'GET /products/1 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nIf-None-Match: "5f1d3b0a9c27e846"\r\n\r\n',
    b"HEAD /products/1/styles HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /products?ids=3,1,2&count=5 HTTP/1.0\r\n\r\n",
    b"GET /products/1/related HTTP/1.1\r\nHost: a\r\nX-Request-Id: 01234567\r\ntraceparent: "
    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
    b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
    b'{"sku_id": 14, "count": 2}',
    b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'd\r\n{"sku_id": 14\r\n1\r\n}\r\n0\r\n\r\n',
    b"PUT /cart/14 HTTP/1.1\r\nHost: a\r\nCookie: cart=a.b\r\nContent-Type: application/json\r\n"
    b'Content-Length: 11\r\n\r\n{"count":3}',
    b"DELETE /cart HTTP/1.1\r\nHost: a\r\nX-Cart-Token: a.b\r\nIdempotency-Key: k\r\n\r\n",
    b"OPTIONS /cart HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\nAccess-Control-Request-Headers: x-a\r\n\r\n",
    b"GET /readyz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
)
_NASTY = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", b" ", b"\t", b":", b"%00", b"%", b"../", b"//", b"?", b"#", b"-1", b"0"),
    *(
        b"9" * 30,
        b"A" * 5000,
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 7\r\n",
        b"HTTP/1.1",
        b"\xf0\x9f\x90\xb4",
    ),
)
_STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3}) ", re.MULTILINE)

Damage = Callable[[Random, bytes], bytes]


def _changed(random: Random, request: bytes) -> bytes:
    at = random.randrange(len(request))
    return request[:at] + random.randbytes(1) + request[at + 1 :]


def _inserted(random: Random, request: bytes) -> bytes:
    at = random.randrange(len(request))
    return request[:at] + random.choice(_NASTY) + request[at:]


def _without_a_part(random: Random, request: bytes) -> bytes:
    start, end = sorted((random.randrange(len(request)), random.randrange(len(request))))
    return request[:start] + request[end:]


def _cut_off(random: Random, request: bytes) -> bytes:
    return request[: random.randrange(len(request))]


def _repeated(random: Random, request: bytes) -> bytes:
    start, end = sorted((random.randrange(len(request)), random.randrange(len(request))))
    return request[:end] + request[start:]


def _continued(random: Random, request: bytes) -> bytes:
    return request + random.choice(REQUESTS)


_DAMAGES: Sequence[Damage] = (_changed, _inserted, _without_a_part, _cut_off, _repeated, _continued)


def damaged(random: Random) -> bytes:
    """A request with one to four kinds of damage."""
    request = random.choice(REQUESTS)
    for _ in range(random.randint(1, 4)):
        request = random.choice(_DAMAGES)(random, request or b"\r\n")
    return request


def statuses(address: str, request: bytes) -> list[int]:
    """The statuses of what comes back until the server closes. Raises TimeoutError if it does not."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), ANSWER_SECONDS) as connection:
        answer = b""
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except ConnectionError:
            pass  # it may close before it has read everything
    return [int(found) for found in _STATUS.findall(answer)]


def run(addresses: Sequence[str], cases: int, random: Random) -> Counter[str]:
    """Send so many damaged requests; count answers by status, "closed" without one and "hung" where nothing ends."""
    counted: Counter[str] = Counter()
    for number in range(cases):
        request = damaged(random)
        try:
            found = statuses(addresses[number % len(addresses)], request)
        except TimeoutError:
            print("hung:", request)
            counted["hung"] += 1
            continue
        if any(status >= 500 and status != 501 for status in found):
            print(found, request)
        counted.update(str(status) for status in found)
        counted["closed"] += not found
    return counted


def server_errors(counted: Counter[str]) -> int:
    """Answers of 5xx; 501 is the contract's for a transfer coding that nobody knows."""
    return sum(count for name, count in counted.items() if name.startswith("5") and name != "501")
