"""The door before the application: knows a plain read of one document by its bytes, and answers many at once.

Plain is a GET or HEAD of ``/products/{id}``, ``…/styles`` or ``…/related``, HTTP/1.1, without query or body, whose
headers say nothing about the connection, a body, or an encoding of one. Its answers are those of Flask's road: the same
catalogue, the same headers, which a test compares.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import NamedTuple

from werkzeug.http import HTTP_STATUS_CODES, parse_etags

from service import logs
from service.catalogue import Document, Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.errors import RedisUnavailable, ServiceError, Unavailable, UnknownProduct
from service.metrics import Metrics
from service.web import responses
from service.web.responses import Headers
from service.web.schemas import LARGEST_ID
from service.worker.door import Answer

# A token without "_", which gunicorn treats apart; of the values, what every reader of headers reads alike. What has
# matched is not tried again in another way (++, *+).
_REQUEST = re.compile(
    rb"(GET|HEAD) (/products/([1-9][0-9]{0,9})(/styles|/related)?) HTTP/1\.1"
    rb"((?:\r\n[!#$%&'*+.^`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+)++)\r\n\r\n"
)
# Whatever these say, or say twice, may change the answer; all other headers do not.
_MATTERS = re.compile(
    rb"\r\n(host|if-none-match|x-request-id|x-forwarded-proto|connection|content-length|content-type|transfer-encoding|"
    rb"expect|upgrade|te|trailer|http2-settings):[\t ]*([^\r]*)",
    re.IGNORECASE,
)
_HARMLESS_ONCE = frozenset((b"host", b"if-none-match", b"x-request-id", b"x-forwarded-proto"))
_HOST = re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]{1,5})?")

# Within every limit that gunicorn has on lines, fields and their number.
_LONGEST_BYTES = 4096

_KINDS = {None: Kind.PRODUCT, b"/styles": Kind.STYLES, b"/related": Kind.RELATED}
_RULES = {
    Kind.PRODUCT: "/products/<product_id>",
    Kind.STYLES: "/products/<product_id>/styles",
    Kind.RELATED: "/products/<product_id>/related",
}


class Plain(NamedTuple):
    """A plain read. ``known`` is its If-None-Match; ``arrived`` is on the clock of ``time.perf_counter``."""

    method: bytes
    key: Key
    path: bytes
    known: bytes | None
    request_id: bytes
    arrived: float


class BatchDoor:
    """Answers plain reads from the catalogue."""

    def __init__(self, catalogue: CachedCatalogue, metrics: Metrics, patience_seconds: float) -> None:
        self._catalogue = catalogue
        self._metrics = metrics
        self._patience_seconds = patience_seconds

    def recognise(self, request: bytes) -> Plain | None:
        """A plain read, or None."""
        matched = _REQUEST.fullmatch(request) if len(request) <= _LONGEST_BYTES else None
        if matched is None:
            return None
        method, path, number, suffix, headers = matched.groups()
        matters = _MATTERS.findall(headers)
        given = {name.lower(): value.rstrip(b" \t") for name, value in matters}
        product_id = int(number)
        if len(given) < len(matters) or not given.keys() <= _HARMLESS_ONCE or product_id > LARGEST_ID:
            return None
        if not _HOST.fullmatch(given.get(b"host", b"")):
            return None
        request_id = logs.request_id_for(given.get(b"x-request-id", b"").decode()).encode()
        key = Key(_KINDS[suffix], product_id)
        return Plain(method, key, path, given.get(b"if-none-match"), request_id, time.perf_counter())

    def answer(self, requests: Sequence[Plain]) -> Sequence[Answer | None]:
        """Hits, by one look into the cache. While the cache is down nothing is asked here: a fill thread finds out."""
        if self._catalogue.cache_is_down:
            return [None] * len(requests)
        try:
            served = self._catalogue.look_up(list({request.key for request in requests}))
        except RedisUnavailable:
            return [None] * len(requests)
        return self._timed(requests, [_answer(one, served[one.key]) if one.key in served else None for one in requests])

    def fill(self, requests: Sequence[Plain]) -> Sequence[Answer | None]:
        """Misses, by one query for each kind among them; 503 for all if the first has waited too long to begin."""
        if time.perf_counter() - requests[0].arrived > self._patience_seconds:
            return self._timed(requests, [self.refuse(request) for request in requests])
        # The cache was just asked for these, unless it is down: then this thread finds out whether it is back.
        ask = self._catalogue.documents if self._catalogue.cache_is_down else self._catalogue.load
        try:
            documents = ask({request.key for request in requests})
        except Unavailable as error:
            return self._timed(requests, [_problem(request, error) for request in requests])
        return self._timed(requests, [_answer(request, documents[request.key]) for request in requests])

    def refuse(self, request: Plain) -> Answer:
        """Too many wait for the database."""
        return _problem(request, Unavailable())

    def _timed(self, requests: Sequence[Plain], answers: Sequence[Answer | None]) -> Sequence[Answer | None]:
        """Count the answered; alike ones of a batch as one, with the time of the first that arrived."""
        alike: dict[tuple[Kind, bytes, bytes], list[float]] = {}
        for request, answer in zip(requests, answers, strict=True):
            if answer is not None:
                alike.setdefault((request.key[0], request.method, answer[0]), []).append(request.arrived)
        now = time.perf_counter()
        for (kind, method, status), arrived in alike.items():
            self._metrics.requests.observe(
                _RULES[kind], method.decode(), int(status[:3]), now - arrived[0], len(arrived)
            )
        return answers


def _answer(request: Plain, document: Document) -> Answer:
    body = document.body
    if body is None:
        return _problem(request, UnknownProduct())
    etag, outcome = document.etag.encode(), document.outcome.encode()
    if request.known is not None and parse_etags(request.known.decode()).contains_weak(document.etag):
        return Answer(_STATUS_LINES[304], _NOT_MODIFIED % (etag, outcome, request.request_id), b"")
    headers = _DOCUMENT % (etag, outcome, len(body), request.request_id)
    return Answer(_OK, headers, body if request.method == b"GET" else b"")


def _problem(request: Plain, error: ServiceError) -> Answer:
    body = responses.problem_body(error, request.path.decode())
    entity = [("Content-Type", responses.PROBLEM), ("Content-Length", str(len(body)))]
    headers = _lines([*responses.problem_headers(error), *entity, ("X-Request-Id", request.request_id.decode())])
    return Answer(_STATUS_LINES[error.status], headers, body if request.method == b"GET" else b"")


def _lines(headers: Headers) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("latin-1")


_STATUS_LINES = {status: f"{status} {reason.upper()}".encode() for status, reason in HTTP_STATUS_CODES.items()}
_OK = _STATUS_LINES[200]
_READ = responses.read_headers("%b", "%b")
_REQUEST_ID = ("X-Request-Id", "%b")
_NOT_MODIFIED = _lines([*_READ, _REQUEST_ID])
_DOCUMENT = _lines([*_READ, ("Content-Type", responses.JSON), ("Content-Length", "%d"), _REQUEST_ID])
