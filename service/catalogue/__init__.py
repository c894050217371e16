"""The documents of products, requested in batches of any keys; a single one is a batch of one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol

from service.cache.entry import Document

__all__ = ["Catalogue", "Document", "Key", "Kind"]


class Kind(StrEnum):
    """The documents of a product. They change together, under the product's version."""

    __hash__ = str.__hash__  # that of enumerations is written in Python, and every hit is counted by its kind

    PRODUCT = "product"
    STYLES = "styles"
    RELATED = "related"
    CARD = "card"
    SUMMARY = "summary"


class Key(NamedTuple):
    """The name of one document."""

    kind: Kind
    product_id: int


class Catalogue(Protocol):
    """A source of documents."""

    async def documents(self, keys: Collection[Key]) -> Mapping[Key, Document]:
        """Every key's document. Raises Unavailable if any of them cannot be read now."""
        ...
