"""The event loop worker against gunicorn's own: the same bytes in, the same status, headers and body out."""

import re
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.worker import requests
from tests.worker.exchange import answers, exchange

_REQUESTS = 21_000


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
    for path in [
        f"/products/{number}{suffix}" for number in requests.IDS for suffix in ("", "/styles", "/related", "/page")
    ]:
        head = exchange(address, [f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()]).partition(b"\r\n\r\n")[0]
        requests.ETAGS[path] = re.search(rb"ETag: (.*)", head)[1].decode().strip()
    for target in requests.ODD_TARGETS:
        exchange(address, [f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1")])
