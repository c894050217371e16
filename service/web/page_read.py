"""A read of a product's page on the fast path, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from service.catalogue import Document, Key, page
from service.timing import Waits

RULE = "/products/<product_id>/page"
"""Its route, as Flask has it."""

LOOK_UP, LOAD = "page", "page-load"


class PageRead:
    """The documents of its product are found first, then those of the related ones.

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
        method: bytes,
        product_id: int,
        known: str | None,
        request_id: bytes,
        arrived: float,
        origin: bytes | None,
        accepts_gzip: bool,
        raw: bytes,
    ) -> None:
        self.method, self.product_id, self.known, self.request_id = method, product_id, known, request_id
        self.arrived, self.origin, self.accepts_gzip, self.raw = arrived, origin, accepts_gzip, raw
        self.stage = LOOK_UP
        self.looked_up: Waits | None = None
        self.keys: Sequence[Key] = page.own_keys(product_id)
        self.found: Sequence[Document | None] = ()
        self.own: Sequence[Document] = ()

    def needs_summaries(self) -> bool:
        """Whether its own documents are found and exist, and summaries are to be found: ``keys`` are theirs then."""
        if not self.own:
            if None in self.found:
                return False
            found = cast("Sequence[Document]", self.found)
            if any(one[0] is None for one in found):
                return False
            self.own, self.keys, self.found = found, page.summary_keys(found[-1]), ()
        return bool(self.keys)
