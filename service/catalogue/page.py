"""The page of a product: its documents and the summaries of its related products, joined as they are in the cache."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

from service.cache.compression import LONGEST_PLAIN_BYTES, compress, compress_between, with_ends
from service.catalogue import Document, Key, Kind

# Half the cost of its own constructor, which sorts out names of arguments.
_new_key: Callable[[tuple[Kind, int]], Key] = functools.partial(tuple.__new__, Key)

_OWN = (Kind.PRODUCT, Kind.STYLES, Kind.RELATED)
_SUMMARY = Kind.SUMMARY  # an enumeration looks its members up in Python
_PRODUCT, _STYLES, _RELATED, _END = b'{"product":', b',"styles":', b',"related":[', b"]}"
_FRAME = _PRODUCT + _STYLES + _RELATED + _END
_TAG = blake2b(_FRAME, digest_size=8)  # a release with another frame sends other bytes of the same parts

# Worst first: an answer of many documents is as good as the worst of them.
_WORST_FIRST = ("bypass", "miss", "stale", "hit")
_HIT = {"hit"}


def worst(outcomes: set[str]) -> str:
    """The worst of these outcomes, that of an uncached document if there is none."""
    if outcomes == _HIT:
        return "hit"
    return next((one for one in _WORST_FIRST if one in outcomes), "bypass")


def own_keys(product_id: int) -> list[Key]:
    """The documents of the product itself that its page needs: it, its styles, its related products."""
    return [_new_key((kind, product_id)) for kind in _OWN]


def summary_keys(related: Document) -> list[Key]:
    """The summaries that the page shows: of each related product once, of the product itself if it is one of them."""
    listed = (related.plain_body() or b"[]")[1:-1]
    if not listed:
        return []
    return [_new_key((_SUMMARY, product_id)) for product_id in dict.fromkeys(map(int, listed.split(b",")))]


def ends_of(key: Key) -> tuple[bytes, bytes]:
    """What of a document a page has no use for, at its begin and at its end."""
    return _ends_of_styles(key.product_id) if key.kind is Kind.STYLES else (b"", b"")


def _ends_of_styles(product_id: int) -> tuple[bytes, bytes]:
    return b'{"product_id":"%d","results":' % product_id, b"}"


class Page(NamedTuple):
    """A page in its parts; ``summaries`` are those of related products that exist.

    ``etag`` is made of the parts' tags, ``outcome`` is the worst of all that was looked up for it, and ``is_gzipped``
    says whether it is worth sending gzipped.
    """

    product_id: int
    product: Document
    styles: Document
    summaries: Sequence[bytes]
    etag: str
    outcome: str
    is_gzipped: bool

    @classmethod
    def of(cls, product_id: int, own: Sequence[Document], summaries: Sequence[Document]) -> Page:
        """The page of the documents at ``own_keys``, which exist, and ``summary_keys``."""
        product, styles, _ = own
        shown = [one for one in summaries if one[0] is not None]
        tag = _TAG.copy()
        tag.update("".join([product[1], styles[1], *[one[1] for one in shown]]).encode())
        outcome = worst({one[4] for one in (*own, *summaries)})
        bodies = [one.plain_body() or b"" if one[5] else one[0] or b"" for one in shown]
        # Around styles that are worth it by themselves stands more than is cut off them.
        page = cls(product_id, product, styles, bodies, tag.hexdigest(), outcome, styles[5])
        return page if styles[5] or len(page.plain()) <= LONGEST_PLAIN_BYTES else page._replace(is_gzipped=True)

    def plain(self) -> bytes:
        """Its bytes."""
        head, tail = self._ends()
        before, after = _ends_of_styles(self.product_id)
        styles = self.styles.plain_body() or b""
        return b"".join((head, styles[len(before) : len(styles) - len(after)], tail))

    def gzipped(self) -> bytes:
        """One gzip member of its bytes, with the styles as they are packed already.

        Styles that a release before packed in another way are packed again: a strong ETag is that of the same bytes.
        """
        styles, old = self.styles, _ends_of_styles(self.product_id)
        if styles.is_gzipped and styles.body is not None:
            member = with_ends(styles.body, old, self._ends())
            if member is None:
                member = with_ends(self._styles_packed_again(old), old, self._ends())
            if member is not None:
                return member
        return compress(self.plain())

    def _styles_packed_again(self, ends: tuple[bytes, bytes]) -> bytes:
        plain, (head, tail) = self.styles.plain_body() or b"", ends
        return compress_between(head, plain[len(head) : len(plain) - len(tail)], tail)

    def document(self) -> Document:
        """The page as a document, as it is to be sent."""
        body = self.gzipped() if self.is_gzipped else self.plain()
        return Document(body, self.etag, 0, 0, self.outcome, self.is_gzipped)

    def _ends(self) -> tuple[bytes, bytes]:
        """What stands before the styles, and after them."""
        head = b"".join((_PRODUCT, self.product.plain_body() or b"", _STYLES))
        return head, b"".join((_RELATED, b",".join(self.summaries), _END))
