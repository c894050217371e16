"""The event loop worker against gunicorn's own: the same bytes in, the same status, headers and body out."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.worker import requests

_REQUESTS = 21_000
_GENERATED_ID = re.compile(rb"[0-9a-f]{32}")


def test_over_many_odd_requests_it_answers_what_the_stock_worker_answers(launch):
    quick = {"COVERAGE_PROCESS_CONFIG": ""}  # test_worker.py covers the worker
    batch, stock = launch("--keep-alive 5", **quick), launch("--keep-alive 5 --worker-class gthread", **quick)
    warm(stock.address)
    random = Random(20261122)
    sent, answered, gzipped, unpacked = 0, 0, 0, 0
    both = ThreadPoolExecutor(2)
    while sent < _REQUESTS:
        conversation = [requests.request(random) for _ in range(random.randrange(1, 8))]
        packets = requests.packets(random, conversation)
        sent += len(conversation)
        ours, expected = both.map(answers, both.map(exchange, (batch.address, stock.address), (packets, packets)))
        assert ours == expected, packets
        answered += sum(status == b"HTTP/1.1 200 OK" for status, _, _ in expected)
        gzipped += sum(b"Content-Encoding: gzip" in headers for _, headers, _ in expected)
        unpacked += sum(len(body) > 1024 and body[:1] == b"{" for _, _, body in expected)
    both.shutdown()
    assert answered > _REQUESTS / 4  # not all of it was nonsense
    assert min(gzipped, unpacked) > _REQUESTS / 100, (gzipped, unpacked)


def warm(address):
    """Have every document in the cache, and know its ETag."""
    for path in [f"/products/{number}{suffix}" for number in requests.IDS for suffix in ("", "/styles", "/related")]:
        head = exchange(address, [f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()]).partition(b"\r\n\r\n")[0]
        requests.ETAGS[path] = re.search(rb"ETag: (.*)", head)[1].decode().strip()
    for target in requests.ODD_TARGETS:
        exchange(address, [f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1")])


def exchange(address, packets):
    """Send the packets, say that no more will come, and return all that comes back."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = []
        try:
            for number, packet in enumerate(packets):
                if number and len(packets) > 1:
                    time.sleep(0.0005)  # so that they arrive as several
                client.sendall(packet)
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(1 << 16):
                received.append(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return b"".join(received)


def answers(stream):
    """Status line, headers and body of every answer in a stream, without what differs from one moment to the next."""
    found = []
    while stream:
        head, _, stream = stream.partition(b"\r\n\r\n")
        status, *headers = head.split(b"\r\n")
        lengths = [int(header[16:]) for header in headers if header.lower().startswith(b"content-length: ")]
        # What a HEAD would have had is announced and not sent: then the next answer follows at once.
        length = 0 if not lengths or stream[:7] == b"HTTP/1." else lengths[0]
        body, stream = stream[:length], stream[length:]
        if b"Content-Type: text/html" in headers or b'"instance":""' in body:
            # A refusal by gunicorn's parser. Which of several mistakes it names depends on how much had arrived; and
            # where gunicorn's worker answers in HTML, ours does not.
            found.append((status.split()[1], [], b""))
        else:
            found.append((status, sorted(_lasting(one) for one in headers if not one.startswith(b"Date: ")), body))
    return found


def _lasting(header):
    return _GENERATED_ID.sub(b"generated", header) if header.startswith(b"X-Request-Id: ") else header
