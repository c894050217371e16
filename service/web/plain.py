"""Knows a plain read of one document by its bytes.

Plain is a GET or HEAD of ``/products/{id}``, ``…/styles`` or ``…/related``, HTTP/1.1, without query or body, whose
headers say nothing about the connection, a body, or an encoding of one. Whatever is not plain beyond doubt is not
recognised: gunicorn's own parser and Flask answer it.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from service import logs
from service.catalogue import Key, Kind
from service.web.schemas import LARGEST_ID

_REQUEST = re.compile(
    rb"(GET|HEAD) /products/([1-9][0-9]{0,9})(/styles|/related)? HTTP/1\.1(\r\n.*)\r\n\r\n", re.DOTALL
)
_ACCEPTED_ID = re.compile(logs.ACCEPTED.encode())
# As nginx writes it, the one header that is never the same twice.
_REQUEST_ID = re.compile(rb"\r\nX-Request-Id: (%b)(?=\r\n|\Z)" % _ACCEPTED_ID.pattern)
# A token without "_", which gunicorn treats apart; of the values, what every reader of headers reads alike. What has
# matched is not tried again in another way (++, *+).
_HEADERS = re.compile(rb"(?:\r\n[!#$%&'*+.^`|~0-9A-Za-z-]++:[\t\x20-\x7e]*+)*+")
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
_HEADERS_REMEMBERED = 1024

SUFFIXES = {Kind.PRODUCT: "", Kind.STYLES: "/styles", Kind.RELATED: "/related"}
"""What follows a product's id in the path of each kind that has one."""

_KINDS = {suffix.encode() or None: kind for kind, suffix in SUFFIXES.items()}


class Plain(NamedTuple):
    """A plain read. ``known`` is its If-None-Match; ``arrived`` is on the clock of ``time.perf_counter``."""

    method: bytes
    key: Key
    known: str | None
    request_id: bytes
    arrived: float


# Half the cost of their own constructors, which sort out names of arguments.
_new_key: Callable[[tuple[Kind, int]], Key] = functools.partial(tuple.__new__, Key)
_new_plain: Callable[[tuple[bytes, Key, str | None, bytes, float]], Plain] = functools.partial(tuple.__new__, Plain)


class _Headers(NamedTuple):
    """If-None-Match, and the caller's id for the request: empty where it is not accepted."""

    known: str | None
    request_id: bytes | None


def recognise(request: bytes) -> Plain | None:
    """The plain read that these bytes are, or None."""
    matched = _REQUEST.fullmatch(request)
    if matched is None or len(request) > _LONGEST_BYTES:
        return None
    method, number, suffix, lines = matched.groups()
    named = _REQUEST_ID.search(lines)
    headers = _understood(lines[: named.start()] + lines[named.end() :] if named else lines)
    product_id = int(number)
    if headers is None or product_id > LARGEST_ID:
        return None
    known, own_id = headers
    if named is None:
        request_id = own_id or logs.new_request_id()
    elif own_id is None:
        request_id = named[1]
    else:
        return None
    key = _new_key((_KINDS[suffix], product_id))
    return _new_plain((method, key, known, request_id, time.perf_counter()))


@functools.lru_cache(_HEADERS_REMEMBERED)
def _understood(lines: bytes) -> _Headers | None:
    """What these headers say, None if there is any doubt. The same client sends the same ones each time."""
    if not _HEADERS.fullmatch(lines):
        return None
    matters = _MATTERS.findall(lines)
    given = {name.lower(): value.rstrip(b" \t") for name, value in matters}
    if len(given) < len(matters) or not given.keys() <= _HARMLESS_ONCE or not _HOST.fullmatch(given.get(b"host", b"")):
        return None
    known, own_id = given.get(b"if-none-match"), given.get(b"x-request-id")
    if own_id is not None and not _ACCEPTED_ID.fullmatch(own_id):
        own_id = b""  # one was sent, and a new one takes its place
    return _Headers(known and known.decode(), own_id)
