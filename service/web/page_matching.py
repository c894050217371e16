"""Matches a read of a product's page by its bytes, as ``read_matching`` does that of one document."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from service import logs
from service.catalogue import Document, Key, page
from service.timing import Waits
from service.web import heads
from service.web.encodings import accepts_gzip
from service.web.read_matching import LONGEST_BYTES, NEVER, ONCE
from service.web.schemas import LARGEST_ID

RULE = "/products/<product_id>/page"
"""Its route, as Flask has it."""

LOOK_UP, LOOK_UP_SUMMARIES, LOAD = "page", "page-summaries", "page-load"

_FIRST_LINE = rb"(?P<method>GET|HEAD) /products/(?P<id>[1-9][0-9]{0,9})/page HTTP/1\.1"
_REQUEST = re.compile(heads.head(_FIRST_LINE, ONCE, NEVER))


class PageRead:
    """A read of a page, and how far it is: its product's documents are found first, then those of the related ones.

    ``keys`` are those that are to be found now, ``found`` what is there so far under them; ``own`` the product's
    documents once they are complete. ``stage`` comes next, ``looked_up`` are the waits of those before. The rest is as
    in ``read_matching.Read``.
    """

    __slots__ = (
        "accepts_gzip",
        "arrived",
        "found",
        "keys",
        "known",
        "looked_up",
        "method",
        "origin",
        "own",
        "product_id",
        "raw",
        "request_id",
        "stage",
    )
    endpoint = RULE

    def __init__(
        self,
        raw: bytes,
        method: bytes,
        product_id: int,
        request_id: bytes,
        *,
        known: str | None,
        origin: bytes | None,
        accepts_gzip: bool,
    ) -> None:
        self.raw, self.method, self.product_id, self.request_id = raw, method, product_id, request_id
        self.known, self.origin, self.accepts_gzip = known, origin, accepts_gzip
        self.arrived = time.perf_counter()
        self.stage = LOOK_UP
        self.looked_up: Waits | None = None
        self.keys: Sequence[Key] = page.own_keys(product_id)
        self.found: Sequence[Document | None] = ()
        self.own: Sequence[Document] = ()


def match(raw: bytes) -> PageRead | None:
    """The read that these bytes are, or None."""
    matched = _REQUEST.fullmatch(raw)
    if matched is None or len(raw) > LONGEST_BYTES:
        return None
    # In their order in the expression, as in ``read_matching.match``.
    method, number, host, _, request_id, _, _, known, _, encodings, _, origin = matched.groups()
    product_id = int(number)
    if host is None or product_id > LARGEST_ID:
        return None
    return PageRead(
        raw,
        method,
        product_id,
        request_id or logs.new_request_id(),
        known=known.decode().rstrip() if known else None,
        origin=origin,
        accepts_gzip=encodings is not None and accepts_gzip(encodings.decode()),
    )
