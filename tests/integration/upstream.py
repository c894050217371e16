"""A stand-in for an instance: counts what reaches it, answers what a test tells it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]
FRESH = {"Cache-Control": "public, max-age=1", "ETag": '"tag"', "X-Cache": "miss", "X-Request-Id": "upstreams-own-id"}


def product(request: BaseHTTPRequestHandler) -> Answer:
    """Answer as the service does, a conditional request included."""
    if request.headers.get("If-None-Match") == FRESH["ETag"]:
        return 304, FRESH, b""
    return 200, {**FRESH, "Content-Type": "application/json"}, b'{"id":1}'


def die(request: BaseHTTPRequestHandler) -> Answer:
    """End in the middle of a request."""
    request.close_connection = True
    raise BrokenPipeError


class Upstream(ThreadingHTTPServer):
    """``requests`` are (method, path, headers) as they came; ``connections`` counts what was accepted."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port: int = 0, answer: Callable[[BaseHTTPRequestHandler], Answer] = product) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer, self.connections = answer, 0
        self.accepted: list[socket.socket] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def get_request(self):
        self.connections += 1
        accepted = super().get_request()
        self.accepted.append(accepted[0])
        return accepted

    def hang_up(self) -> None:
        """Close all connections, idle ones too."""
        for connection in self.accepted:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request, client_address) -> None:
        """Say nothing: a test that dies in mid-request means to."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet
    server: Upstream

    def do_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, dict(self.headers.items()) | {"body": body.decode()}))
        status, headers, content = self.server.answer(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_any  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(upstream: Upstream) -> Iterator[Upstream]:
    """Serve in a thread until the end of the block."""
    thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield upstream
    finally:
        upstream.shutdown()
        thread.join()
        upstream.hang_up()
        upstream.server_close()
