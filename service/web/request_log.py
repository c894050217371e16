"""One line in the log for each request that was slow or failed, with where its time went, from both paths."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

from service import logs, trace_context
from service.timing import Waits
from service.web.addition_matching import AdditionRequest
from service.web.answered import UNKNOWN, Answered
from service.web.page_read import PageRead
from service.web.read_matching import Read
from service.web.tracing import Tracer
from service.worker.fast_path import Response

_LOG = logging.getLogger(__name__)

_MOST_LINES_A_SECOND = 10

_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) (/[^ ?]*)")
_REQUEST_ID = re.compile(rb"\r\nX-Request-Id: ([^\r\n]*)")


class RequestLog:
    """Logs requests that took longer than ``slow_seconds`` or were answered with 5xx. ``routes`` are the application's.

    At most ten lines a second: the first one after that says how many were ``suppressed``. A ``tracer`` records them
    all, but of the fast path those only that their caller samples.
    """

    def __init__(self, slow_seconds: float, routes: Map, tracer: Tracer | None = None) -> None:
        self._slow_seconds = slow_seconds
        self._tracer = tracer
        self._routes = routes.bind("")
        self._limit = logs.Limit(_MOST_LINES_A_SECOND)

    def answered(self, one: Answered) -> None:
        """Note a request that the application has answered."""
        if self._tracer is not None:
            self._tracer.record(one)
        self._note(one)

    def _note(self, one: Answered) -> None:
        if one.is_failed or one.seconds > self._slow_seconds:
            seconds = {"seconds": one.seconds, **{f"{part}_seconds": spent for part, spent in one.waits.items()}}
            self._write("a failed request" if one.is_failed else "a slow request", one[:5], seconds)

    def batch_answered(
        self,
        requests: Sequence[Read | PageRead | AdditionRequest],
        responses: Sequence[Response],
        waits: Waits,
        *,
        is_failed: bool = False,
    ) -> None:
        """Note a batch, whose first request is the oldest; ``is_failed`` says that one of them may have failed."""
        now = time.perf_counter()
        if is_failed or now - requests[0].arrived > self._slow_seconds:
            for request, response in zip(requests, responses, strict=True):
                if isinstance(response, bytes):  # another stage answers the others
                    self._note(_of_fast_path(request, response, waits, now))
        if self._tracer is not None:
            for request, response in zip(requests, responses, strict=True):
                trace = trace_context.of_request(request.raw)
                if isinstance(response, bytes) and trace is not None and trace.is_sampled:
                    self._tracer.record(_of_fast_path(request, response, waits, now))

    def taken(self, received: bytes, response: bytes, seconds: float, *, is_whole: bool) -> None:
        """Note a response that waited for its client; see ``service.worker.fast_path``."""
        asked, own_id = _REQUEST_LINE.match(received), _REQUEST_ID.search(response, 0, response.find(b"\r\n\r\n"))
        if seconds > self._slow_seconds and asked and own_id:
            method, path = asked[1].decode(), unquote(asked[2].decode("latin-1"))
            trace = trace_context.of_request(received)
            about = own_id[1].decode(), trace, self._endpoint(method, path), method, _status(response)
            message = "a response was taken late" if is_whole else "a response was not taken"
            self._write(message, about, {"write_seconds": seconds})

    def _endpoint(self, method: str, path: str) -> str:
        try:
            rule, _ = self._routes.match(path, method, return_rule=True)
        except HTTPException:
            return UNKNOWN
        return rule.rule

    def _write(self, message: str, about: tuple[Any, ...], seconds: Mapping[str, float]) -> None:
        if (suppressed := self._limit.suppressed()) is None:
            return
        request_id, trace, endpoint, method, status = about
        line = {"request_id": request_id, "endpoint": endpoint, "method": method, "status": status}
        if trace is not None:
            line["trace_id"] = trace.trace_id
        line.update({name: round(value, 6) for name, value in seconds.items()})
        _LOG.warning(message, extra=line | ({"suppressed": suppressed} if suppressed else {}))


def _of_fast_path(request: Read | PageRead | AdditionRequest, response: bytes, waits: Waits, now: float) -> Answered:
    """A request and its response; its waits are those of its batch, and of the one that looked it up before."""
    earlier = request.looked_up
    queue = waits.began - request.arrived
    if earlier is not None:
        queue -= earlier.ended - earlier.began
    parts = {"queue": queue}
    for each in (earlier, waits):
        for part, seconds in each.seconds.items() if each else ():
            parts[part] = parts.get(part, 0.0) + seconds
    method, trace = request.raw.partition(b" ")[0].decode(), trace_context.of_request(request.raw)
    own_id, status = request.request_id.decode(), _status(response)
    return Answered(own_id, trace, request.endpoint, method, status, request.arrived, now, parts)


def _status(response: bytes) -> int:
    return int(response[9:12])  # after "HTTP/1.1 "
