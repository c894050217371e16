"""The way of requests that the fast path does not match: gunicorn's parser and the WSGI application, on threads.

A thread reads what is left of a request until one absolute deadline. The response goes back whole to the event loop,
which sends it: no thread waits for a client to read. Of gunicorn, this uses ``http.get_parser`` with a source that has
``recv``, the parser's ``finish_body`` and ``unreader.take_buffered``, and ``http.wsgi.create``.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from gunicorn.http import errors, get_parser, wsgi

from service import timing
from service.coroutines import READABLE, is_ready

_LOG = logging.getLogger(__name__)

_REQUEST_SECONDS = 5.0  # for all of it to arrive

_STATUSES: dict[type[Exception], int] = {
    errors.LimitRequestLine: 414,
    errors.ExpectationFailed: 417,
    errors.LimitRequestHeaders: 431,
    errors.UnsupportedTransferCoding: 501,
}


class Response(NamedTuple):
    """What to send; nothing if the client has gone or stalls. ``status`` says that the request cannot be parsed.

    ``keep_alive`` says whether the connection goes on, with ``read_ahead`` as the first bytes of the next request.
    """

    raw: bytes = b""
    keep_alive: bool = False
    read_ahead: bytes = b""
    status: int | None = None


class SlowPath:
    """Answers requests by ``application`` on as many threads as gunicorn's configuration says."""

    def __init__(self, application: Callable[..., Any], cfg: Any) -> None:
        self._application = application
        self._cfg = cfg
        self._threads = ThreadPoolExecutor(cfg.threads, thread_name_prefix="request")
        self.is_stopping = False

    def submit(self, exchange: Exchange, done: Callable[[Response], None]) -> None:
        """Have a request answered; ``done`` is called in a thread."""
        self._threads.submit(lambda: done(self._answer(exchange)))

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answer(self, exchange: Exchange) -> Response:
        exchange.until = time.monotonic() + _REQUEST_SECONDS
        try:
            parser = get_parser(self._cfg, exchange, exchange.client)
            if not (request := next(parser)):
                return Response()
            keep_alive = self._respond(request, exchange)
            # A body that the application did not read would look like the next request.
            if keep_alive and parser.finish_body(deadline=exchange.until):
                return Response(b"".join(exchange.sent), True, parser.unreader.take_buffered())
            return Response(b"".join(exchange.sent))
        except (OSError, StopIteration):  # the client has gone, or stalls
            return Response(b"".join(exchange.sent))
        except errors.ParseException as error:  # of a body that the application did not read: after its response
            return Response(b"".join(exchange.sent), status=_STATUSES.get(type(error), 400))
        except Exception:
            _LOG.exception("a request failed")
            return Response(status=500)

    def _respond(self, request: Any, exchange: Exchange) -> bool:
        """Have the application answer. Whether the connection may go on."""
        response, environ = wsgi.create(request, exchange, exchange.client, exchange.server, self._cfg)
        environ["wsgi.input"] = _Body(request.body, response.force_close)
        environ["wsgi.multithread"] = True
        environ[timing.ARRIVED] = exchange.arrived
        if self.is_stopping or not self._cfg.keepalive:
            response.force_close()
        body = self._application(environ, response.start_response)
        try:
            for part in body:
                response.write(part)
            response.close()
        finally:
            if hasattr(body, "close"):
                body.close()
        return not response.should_close()


class _Body:
    """A request's body for the application: one with malformed chunks breaks off, and the connection has to end.

    Where the next request begins is unknown then.
    """

    def __init__(self, body: Any, end: Callable[[], None]) -> None:
        self._body = body
        self._end = end

    def read(self, size: int | None = None) -> bytes:
        """Up to ``size`` bytes, else all. Raises OSError."""
        try:
            data: bytes = self._body.read(size)
        except errors.ParseException as error:
            self._end()
            raise OSError from error
        return data


class Exchange:
    """What gunicorn takes for the client's socket: first the bytes that were ``received`` already, then its own.

    What is written to it is kept in ``sent``. ``client`` and ``server`` are the addresses of both ends; ``arrived`` is
    when it was made (``time.perf_counter``), ``until`` when the request must have arrived whole (monotonic).
    """

    def __init__(self, connected: socket.socket, client: Any, server: Any, received: bytes) -> None:
        self._socket = connected
        self._received = received
        self.client, self.server = client, server
        self.arrived = time.perf_counter()
        self.until = 0.0
        self.sent: list[bytes] = []

    def fileno(self) -> int:
        """The client's socket, to poll."""
        return self._socket.fileno()

    def recv(self, size: int) -> bytes:
        """Up to ``size`` bytes of the request. Raises TimeoutError when they are late."""
        if self._received:
            data, self._received = self._received[:size], self._received[size:]
            return data
        if not is_ready(self._socket, READABLE, self.until - time.monotonic()):
            raise TimeoutError
        return self._socket.recv(size)

    def send(self, data: bytes) -> int:
        """Send at once: ``100 Continue``, for which the client waits."""
        return self._socket.send(data)

    def sendall(self, data: bytes) -> None:
        """Keep it for the event loop to send."""
        self.sent.append(bytes(data))
