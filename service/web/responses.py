"""Responses. Every header of each is decided here, once, so that fast path and slow path send the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from flask import Response, request

from service.catalogue import Document
from service.catalogue.database import etag_of
from service.catalogue.page import worst
from service.errors import ServiceError
from service.web import encodings

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
PROBLEM = "application/problem+json"

# A second: a page's many readers share an answer at nginx or in a browser, and a change is seen after that second.
CATALOGUE = "public, max-age=1"
PRIVATE = "private, no-store"
# What changes with a release only.
PAGE = "public, max-age=60"


Headers = list[tuple[str, str]]

# Of a document that is stored gzipped: of both of its forms, and of the one that is sent as it is stored.
OF_BOTH_FORMS = [("Vary", "Accept-Encoding")]
OF_GZIPPED = [("Content-Encoding", "gzip")]


_WRITTEN = [
    ("Cache-Control", PRIVATE),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Idempotency-Replayed, X-Cart-Token, X-Request-Id"),
]
REPLAYED = [("Idempotency-Replayed", "true")]
CREATED = "Created"


class Empty(Response):
    """An answer without a body, and so without a type of it."""

    default_mimetype = None


def read_headers(etag: str, outcome: str, cache_control: str = CATALOGUE) -> Headers:
    """What every successful read carries, with a body or as 304."""
    return [
        ("ETag", f'"{etag}"'),
        ("Cache-Control", cache_control),
        ("X-Cache", outcome),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "ETag, Link, X-Cache, X-Request-Id"),
    ]


def read(body: bytes, etag: str, outcome: str, *, link: str | None = None) -> Response:
    """A read of the catalogue: 200, or 304 if the caller has these bytes already."""
    headers = read_headers(etag, outcome)
    if link:
        headers.append(("Link", link))
    return _conditional(body, etag, headers)


def read_document(document: Document) -> Response:
    """A read of one document, in the form that the caller asks for."""
    if not document.is_gzipped:
        return read(document.body or b"", document.etag, document.outcome)
    as_stored = encodings.accepts_gzip(request.headers.get("Accept-Encoding", ""))
    tag = encodings.gzipped_etag(document.etag) if as_stored else document.etag
    headers = [*read_headers(tag, document.outcome), *OF_BOTH_FORMS]
    if encodings.is_known(request.if_none_match, document.etag):
        return Empty(status=304, headers=headers)
    if as_stored:
        return Response(document.body, headers=headers + OF_GZIPPED, content_type=JSON)
    return Response(document.plain_body(), headers=headers, content_type=JSON)


def read_many(documents: Sequence[tuple[bytes, str]], *, link: str | None = None) -> Response:
    """A read of an array of (body, outcome)."""
    body = b"[" + b",".join(document for document, _ in documents) + b"]"
    return read(body, etag_of(body), worst({outcome for _, outcome in documents}), link=link)


def read_private(body: bytes) -> Response:
    """A read of what belongs to the caller alone."""
    headers = [*read_headers(etag_of(body), "bypass", PRIVATE), ("Vary", "Cookie, X-Cart-Token")]
    return _conditional(body, etag_of(body), headers)


def page(body: bytes, content_type: str) -> Response:
    """A file of the service itself, always whole: ranges of it are nobody's need."""
    headers = [("ETag", f'"{etag_of(body)}"'), ("Cache-Control", PAGE), ("Access-Control-Allow-Origin", "*")]
    return _conditional(body, etag_of(body), headers, content_type)


def created(*, is_replayed: bool) -> Response:
    """An addition that was carried out, now or by an earlier request, in the words of the old API."""
    return Response(CREATED, status=201, content_type=TEXT, headers=created_headers(is_replayed=is_replayed))


def created_headers(*, is_replayed: bool) -> Headers:
    """What it carries, but for the cart's token."""
    return [*_WRITTEN, *(REPLAYED if is_replayed else [])]


def written() -> Response:
    """Any other write that was carried out: no body."""
    return Empty(status=204, headers=_WRITTEN)


def state(status: int, body: dict[str, Any]) -> Response:
    """How the service is, as of now."""
    return Response(_dumps(body), status=status, content_type=JSON, headers={"Cache-Control": "no-store"})


def problem(error: ServiceError, headers: Headers | None = None) -> Response:
    """An error as RFC 9457 has it."""
    headers = problem_headers(error) + (headers or [])
    return Response(problem_body(error, request.path), status=error.status, content_type=PROBLEM, headers=headers)


def problem_body(error: ServiceError, path: str) -> bytes:
    """What went wrong at this path. ``type`` leads to the page that explains its code."""
    body: dict[str, Any] = {
        "type": f"/docs#{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": quote(path),
    }
    if error.errors:
        body["errors"] = error.errors
    return _dumps(body)


def problem_headers(error: ServiceError) -> Headers:
    """What every error carries."""
    headers = [
        ("Cache-Control", "no-store"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", "Idempotency-Replayed, Retry-After, X-Request-Id"),
    ]
    if error.retry_after_seconds is not None:
        headers.append(("Retry-After", str(error.retry_after_seconds)))
    return [*headers, *(REPLAYED if error.is_replayed else [])]


def _conditional(body: bytes, etag: str, headers: Headers, content_type: str = JSON) -> Response:
    if encodings.is_known(request.if_none_match, etag):
        return Empty(status=304, headers=headers)
    return Response(body, headers=headers, content_type=content_type)


def _dumps(value: Any) -> bytes:
    # Half of a surrogate pair, in a caller's name for a field, has no UTF-8: it goes back as JSON's escape of it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")
