"""Matches a read of one document, or of a product's page, by its bytes.

That is a GET or HEAD of ``/products/{id}``, ``…/styles``, ``…/related`` or ``…/page``, HTTP/1.1, without query or
body, whose headers say nothing about the connection, a body, or an encoding of one. What does not match for certain is
answered by gunicorn's parser and Flask.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from service import logs
from service.catalogue import Key, Kind
from service.timing import Waits
from service.web import heads
from service.web.encodings import accepts_gzip
from service.web.page_read import PageRead
from service.web.schemas import LARGEST_ID

# What these say may change the answer; a request with one of them twice does not match.
_ONCE = {
    b"host": heads.HOST,
    b"x-request-id": heads.REQUEST_ID,
    b"x-forwarded-proto": heads.VALUE,
    b"if-none-match": rb"(?P<known>%b)" % heads.VALUE,
    b"accept-encoding": rb"(?P<encodings>%b)" % heads.VALUE,
    b"origin": rb"(?P<origin>%b)" % heads.VALUE,
}
_NEVER = (*heads.ABOUT_MESSAGES, b"content-length", b"content-type")
_FIRST_LINE = rb"(?P<method>GET|HEAD) /products/(?P<id>[1-9][0-9]{0,9})(?P<suffix>/styles|/related|/page)? HTTP/1\.1"
_REQUEST = re.compile(heads.head(_FIRST_LINE, _ONCE, _NEVER))
# Within every limit that gunicorn has on lines, fields and their number.
_LONGEST_BYTES = 4096

SUFFIXES = {Kind.PRODUCT: "", Kind.STYLES: "/styles", Kind.RELATED: "/related"}
"""What follows a product's id in the path of each kind that has one."""

RULES = {kind: f"/products/<product_id>{suffix}" for kind, suffix in SUFFIXES.items()}
"""The routes of each kind."""

_KINDS = {suffix.encode() or None: kind for kind, suffix in SUFFIXES.items()}


LOOK_UP = "look-up"


class Read(NamedTuple):
    """A read of one document, which is looked up first.

    ``known`` is its If-None-Match, ``origin`` its Origin; ``arrived`` is on the clock of ``time.perf_counter``.
    ``accepts_gzip`` says in which form a document is sent that is stored gzipped. ``raw`` is all of it, ``looked_up``
    the waits of its look-up, once it waits for another stage.
    """

    method: bytes
    key: Key
    known: str | None
    request_id: bytes
    arrived: float
    origin: bytes | None
    accepts_gzip: bool
    stage: str
    raw: bytes
    looked_up: Waits | None = None

    @property
    def endpoint(self) -> str:
        """Its route, as Flask has it."""
        return RULES[self.key.kind]

    def to(self, stage: str) -> Read:
        """The same for another stage."""
        return _new_read((*self[:7], stage, self.raw, self.looked_up))

    def to_load(self, looked_up: Waits) -> Read:
        """The same for the stage that loads it, after a look-up with these waits."""
        return _new_read((*self[:7], self.key.kind, self.raw, looked_up))


# Half the cost of their own constructors, which sort out names of arguments.
_new_key: Callable[[tuple[Kind, int]], Key] = functools.partial(tuple.__new__, Key)
_new_read: Callable[[tuple[bytes, Key, str | None, bytes, float, bytes | None, bool, str, bytes, Waits | None]], Read]
_new_read = functools.partial(tuple.__new__, Read)


def match(raw: bytes) -> Read | PageRead | None:
    """The read that these bytes are, or None."""
    matched = _REQUEST.fullmatch(raw)
    if matched is None or len(raw) > _LONGEST_BYTES:
        return None
    # In their order in the expression; the unnamed say that there was a header. By name it takes four times as long.
    method, number, suffix, host, _, request_id, _, _, known, _, encodings, _, origin = matched.groups()
    product_id = int(number)
    if host is None or product_id > LARGEST_ID:
        return None
    tags = known.decode().rstrip() if known else None
    gzip = encodings is not None and accepts_gzip(encodings.decode())
    own_id = request_id or logs.new_request_id()
    try:
        key = _new_key((_KINDS[suffix], product_id))
    except KeyError:
        return PageRead(method, product_id, tags, own_id, time.perf_counter(), origin, gzip, raw)
    return _new_read((method, key, tags, own_id, time.perf_counter(), origin, gzip, LOOK_UP, raw, None))
