"""The fast path before the application: answers many reads of documents at once.

It asks the same catalogue as Flask's views and sends the same headers, which a test compares.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from socket import socket
from typing import TypeVar

from werkzeug.http import HTTP_STATUS_CODES

from service import deadline, logs
from service.cache.compression import decompress
from service.catalogue import Document, Kind
from service.catalogue.cached import CachedCatalogue
from service.errors import RedisUnavailable, ServiceError, Unavailable, UnknownProduct
from service.metrics import Metrics
from service.settings import Settings
from service.web import cors, encodings, error_handlers, matching, responses
from service.web.matching import SUFFIXES, Read
from service.web.responses import Headers

A = TypeVar("A", bytes, bytes | None)

_ANY_ORIGIN, _VARY_ORIGIN = b"Access-Control-Allow-Origin: *\r\n", b"Vary: Origin\r\n"
_CREDENTIALS = b"%bAccess-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"


class DocumentFastPath:
    """Answers reads of documents from the catalogue; see ``service.worker.fast_path``."""

    def __init__(self, catalogue: CachedCatalogue, metrics: Metrics, settings: Settings) -> None:
        self._catalogue = catalogue
        self._metrics = metrics
        self._deadline_seconds = settings.postgres_timeout_seconds
        self.look_up_seconds = settings.redis_timeout_seconds
        self._credentials = {
            origin.encode(): _CREDENTIALS % (_VARY_ORIGIN, origin.encode())
            for origin in cors.origins(settings.cors_origins)
        }

    match = staticmethod(matching.match)

    def begin(self, requests: Sequence[Read]) -> socket | None:
        """Begin to look into the cache. None while it cannot be asked here: a fill thread finds out when it is back."""
        try:
            return self._catalogue.begin([request.key for request in requests])
        except RedisUnavailable:
            return None

    def receive(self, requests: Sequence[Read], common: bytes) -> Sequence[bytes | None] | None:
        """Hits; None for each that is none. None as long as the cache's answer has not arrived whole."""
        try:
            found = self._catalogue.receive([request.key for request in requests])
        except RedisUnavailable:
            return [None] * len(requests)
        return None if found is None else self._answers(requests, found, common)

    def abandon(self) -> None:
        """The cache is late."""
        self._catalogue.abandon()

    def fill(self, requests: Sequence[Read], common: bytes) -> Sequence[bytes | None]:
        """Misses, by one query for each kind among them; 503 for all when the first has waited as long as it may."""
        seconds_left = self._deadline_seconds - (time.perf_counter() - requests[0].arrived)
        # The cache was just asked for these, unless the loop could not ask it.
        ask = self._catalogue.load if self._catalogue.is_ready else self._catalogue.documents
        try:
            with deadline.within(seconds_left):
                documents = ask({request.key for request in requests})
        except Unavailable as error:
            return self._for_origins(requests, self._problems(requests, error, common))
        return self._answers(requests, [documents[request.key] for request in requests], common)

    def overloaded(self, requests: Sequence[Read], common: bytes) -> Sequence[bytes]:
        """Too many wait for the database."""
        return self._for_origins(requests, self._problems(requests, Unavailable(), common))

    def malformed(self, status: int, common: bytes) -> bytes:
        """A request that gunicorn cannot parse."""
        error = error_handlers.BY_STATUS.get(status, ServiceError)()
        body = responses.problem_body(error, "")
        return _problem_head(error, body, logs.new_request_id()) % common + body

    def _answers(
        self, requests: Sequence[Read], found: Sequence[Document | None], common: bytes
    ) -> Sequence[bytes | None]:
        answers: list[bytes | None] = []
        times: dict[tuple[Kind, bytes, int], int] = {}
        for request, document in zip(requests, found, strict=True):
            if document is None:
                answers.append(None)
                continue
            method, (kind, _), known, request_id, _, _, accepts_gzip = request
            body, etag, _, _, outcome, is_gzipped = document
            if body is None:
                answers += self._problems([request], UnknownProduct(), common)
                continue
            whole, not_modified = _FORMS[is_gzipped, accepts_gzip]
            if known is not None and encodings.is_known_by(known, etag):
                status = 304
                answers.append(not_modified % (common, etag.encode(), outcome.encode(), request_id))
            else:
                status = 200
                if is_gzipped and not accepts_gzip:
                    body = decompress(body)
                head = common, etag.encode(), outcome.encode(), len(body), request_id
                answers.append(whole % (*head, body if method == b"GET" else b""))
            times[kind, method, status] = times.get((kind, method, status), 0) + 1
        for (kind, method, status), count in times.items():
            self._count(kind, method, status, requests[0].arrived, count)
        return self._for_origins(requests, answers)

    def _problems(self, requests: Sequence[Read], error: ServiceError, common: bytes) -> list[bytes]:
        for request in requests:
            self._count(request.key.kind, request.method, error.status, request.arrived)
        return [_problem(request, error, common) for request in requests]

    def _for_origins(self, requests: Sequence[Read], answers: list[A]) -> list[A]:
        """The same, with what ``cors.finish`` adds."""
        if not self._credentials:
            return answers
        lines = [self._credentials.get(request.origin or b"", _ANY_ORIGIN + _VARY_ORIGIN) for request in requests]
        return [one and one.replace(_ANY_ORIGIN, line, 1) for one, line in zip(answers, lines, strict=True)]

    def _count(self, kind: Kind, method: bytes, status: int, arrived: float, times: int = 1) -> None:
        seconds = time.perf_counter() - arrived
        self._metrics.requests.observe(_RULES[kind], method.decode(), status, seconds, times)


def _problem(request: Read, error: ServiceError, common: bytes) -> bytes:
    kind, product_id = request.key
    body = responses.problem_body(error, f"/products/{product_id}{SUFFIXES[kind]}")
    return _problem_head(error, body, request.request_id) % common + (body if request.method == b"GET" else b"")


def _problem_head(error: ServiceError, body: bytes, request_id: bytes) -> bytes:
    entity = [("Content-Type", responses.PROBLEM), ("Content-Length", str(len(body)))]
    return _template(error.status, [*responses.problem_headers(error), *entity, ("X-Request-Id", request_id.decode())])


def _template(status: int, headers: Headers) -> bytes:
    """A head, to be filled in with the headers that the worker sends with every answer, and with what is open."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTP_STATUS_CODES[status].upper()}\r\n%b{lines}\r\n".encode("latin-1")


_RULES = {kind: f"/products/<product_id>{suffix}" for kind, suffix in SUFFIXES.items()}


def _form(etag: str, *, of_both: Headers, of_whole: Headers) -> tuple[bytes, bytes]:
    """A document's answers in one form, 200 and 304, to be filled in."""
    read, request_id = [*responses.read_headers(etag, "%b"), *of_both], ("X-Request-Id", "%b")
    entity = [("Content-Type", responses.JSON), ("Content-Length", "%d"), *of_whole]
    return _template(200, [*read, *entity, request_id]) + b"%b", _template(304, [*read, request_id])


_SMALL = _form("%b", of_both=[], of_whole=[])
_PLAIN = _form("%b", of_both=responses.OF_BOTH_FORMS, of_whole=[])
_AS_STORED = _form(encodings.gzipped_etag("%b"), of_both=responses.OF_BOTH_FORMS, of_whole=responses.OF_GZIPPED)
# By whether it is stored gzipped, and whether the caller accepts that.
_FORMS = {(False, False): _SMALL, (False, True): _SMALL, (True, False): _PLAIN, (True, True): _AS_STORED}
