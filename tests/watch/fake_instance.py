"""An instance as far as the watch process sees it: a real HTTP server with a history that tests write.

``python -m tests.watch.fake_instance PORT …`` runs some that count random traffic, for those who build on the JSON.
"""

import json
import random
import sys
import threading
import time
from array import array
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from service.metrics import series
from service.metrics.series import KINDS, SERIES, name
from service.watch.series import buckets_of

MOST_ROWS = 600


class FakeInstance:
    """Answers ``/metrics/history`` with the rows given so far."""

    def __init__(self, port: int = 0, started: float | None = None) -> None:
        self.rows: list[tuple[int, dict[str, int]]] = []
        self.said = {
            "incarnation": f"{random.getrandbits(64):016x}",
            "started": time.time() if started is None else started,
            "worker": 100,
            "version": "1",
            "gauges": {"breaker_open": 0, "connections": 8, "connections_busy": 1, "clients": None},
            "hottest": [],
            "missed": [],
        }
        self.counts: Counter[str] = Counter()
        self.hanging = threading.Event()
        self.asked: list[str] = []
        self._resumed = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def row(self, second: int, **_: int) -> None:
        """Note the present counts as the row of a second."""
        self.rows.append((second, dict(self.counts)))

    def restart(self, started: float) -> None:
        """Begin again at 0."""
        self.rows, self.counts = [], Counter()
        self.said |= {"incarnation": f"{random.getrandbits(64):016x}", "started": started}

    def hang(self) -> None:
        """Take questions without answering them."""
        self.hanging.set()

    def stop(self) -> None:
        self._resumed.set()
        self._server.shutdown()
        self._server.server_close()

    def body(self, since: int) -> bytes:
        rows = [(second, counts) for second, counts in self.rows if second > since][:MOST_ROWS]
        words = array("Q")
        for second, counts in rows:
            words.extend([second, *(counts.get(each, 0) for each in SERIES)])
        if sys.byteorder == "big":
            words.byteswap()
        return json.dumps({**self.said, "rows": len(rows), "series": SERIES}).encode() + b"\n" + words.tobytes()

    def _handler(instance) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                instance.asked.append(self.path)
                if instance.hanging.is_set():
                    instance._resumed.wait(20)
                    return
                body = instance.body(int(parse_qs(urlsplit(self.path).query)["since"][0]))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


def _count_traffic(instance: FakeInstance, now: float) -> None:
    counts, requests = instance.counts, random.randint(800, 1200)
    for kind in KINDS:
        for outcome, share in (("hit", 0.95), ("stale", 0.02), ("miss", 0.03)):
            counts[name("overview_documents_total", kind=kind, outcome=outcome)] += int(requests * share / 4)
    for outcome, share, middle in (("hit", 0.95, 2), ("stale", 0.02, 2), ("miss", 0.03, 6), ("error", 0.001, 3)):
        for number, bucket in enumerate(buckets_of(series.ANSWERS, outcome=outcome)):
            counts[bucket] += int(requests * share / (1 << abs(number - middle)))
    counts[name("overview_requests_total", path="fast", status="2xx")] += requests
    counts[name("overview_requests_total", path="slow", status="4xx")] += random.randint(0, 5)
    counts[name("overview_fills_total", outcome="stored")] += int(requests * 0.03)
    counts["overview_loads_total"] += int(requests * 0.02)
    counts["overview_pool_busy_seconds_total"] += random.randint(1, 10**9)
    instance.said["hottest"] = [["product", number + 1, requests * 60 / (number + 2)] for number in range(20)]
    instance.said["missed"] = [["styles", 900 + number, 60 / (number + 1)] for number in range(20)]
    instance.row(int(now) - 1)
    del instance.rows[:-3600]


def main(ports: list[int]) -> None:
    now = int(time.time())
    instances = [FakeInstance(port, now - 3000) for port in ports]
    for second in range(now - 2999, now):
        for instance in instances:
            _count_traffic(instance, second)
    while True:
        time.sleep(1 - time.time() % 1)
        for instance in instances:
            _count_traffic(instance, time.time())


if __name__ == "__main__":
    main([int(port) for port in sys.argv[1:]])
