"""Schemas of the parts of a request. Unknown parameters and fields are ignored, as by the old API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load, validate, validates_schema

LARGEST_ID = 2**31 - 1
MOST_IDS = 100
DEFAULT_COUNT = 5
MOST_PIECES = 99

_PLAIN = re.compile("[1-9][0-9]*", re.ASCII)
_EMPTY = {"x-allow-empty": True}  # in the document an attribute of the parameter, not of its schema
_DIGITS = re.compile("[0-9]{1,10}", re.ASCII)


def is_whole(value: Any) -> bool:
    """Whether it is a JSON integer, or a string of its digits, as object keys and form values are."""
    return type(value) is int or (isinstance(value, str) and _DIGITS.fullmatch(value) is not None)


class _Plain(fields.Field[int]):
    """A whole number above 0 written in plain decimal: no sign, no leading zero, no white space.

    One above ``largest`` is refused, or read as ``largest`` if it is ``clamped``.
    """

    def __init__(self, says: str, *, largest: int = LARGEST_ID, clamped: bool = False, **kwargs: Any) -> None:
        metadata = {"type": "integer", "description": says, "minimum": 1, **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata if clamped else {**metadata, "maximum": largest}, **kwargs)
        self._largest = largest
        self._clamped = clamped

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _PLAIN.fullmatch(value):
            raise ValidationError("Must be a whole number above 0 in plain decimal.")
        # The length is checked first: Python refuses to convert thousands of digits.
        if len(value) <= len(str(self._largest)) and int(value) <= self._largest:
            return int(value)
        if self._clamped:
            return self._largest
        raise ValidationError(f"Must be at most {self._largest}.")


class _Ids(fields.Field[list[int]]):
    """Ids separated by commas."""

    def __init__(self, says: str) -> None:
        each = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
        limits = {"type": "array", "minItems": 1, "maxItems": MOST_IDS, "items": each}
        super().__init__(metadata={"description": says, **limits})

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[int]:
        parts = str(value).split(",")
        if len(parts) > MOST_IDS:
            raise ValidationError(f"Must be at most {MOST_IDS} ids.")
        one = _Plain("An id.")
        return [one.deserialize(part, attr, data, **kwargs) for part in parts]


class _Whole(fields.Integer):
    """A JSON integer, or a string of its digits, as object keys and form values are: not true, not 1.0."""

    def __init__(self, says: str, *, example: int, **kwargs: Any) -> None:
        shape = {"type": ["integer", "string"], "pattern": f"^{_DIGITS.pattern}$"}
        super().__init__(metadata={"description": says, "example": example, **shape}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if not is_whole(value):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)


class Part(Schema):
    """A part of a request."""

    class Meta:
        """Unknown fields are ignored."""

        unknown = EXCLUDE


class ProductPath(Part):
    """The path of one product."""

    product_id = _Plain(
        "A product, in plain decimal: no sign, no leading zero.", required=True, metadata={"example": 1}
    )


class SkuPath(Part):
    """The path of one line of a cart."""

    sku_id = _Plain("A sku, in plain decimal: no sign, no leading zero.", required=True, metadata={"example": 14})


class ListQuery(Part):
    """Selects products: a page, those after an id, or given ids. An empty page or count means the default."""

    page = _Plain(  # a page past the end is empty
        "Which page, counted from 1. Empty means the default.", clamped=True, metadata={"default": 1, **_EMPTY}
    )
    count = _Plain(  # a count above the maximum is no error either
        "Products per page. Empty means the default. A response has at most 100 of them; its Link leads to the rest.",
        clamped=True,
        metadata={"default": DEFAULT_COUNT, "example": 2, **_EMPTY},
    )
    after = _Plain(
        "Instead of a page, the products that follow this id, which need not exist. As fast at the end of the "
        "catalogue as at its start."
    )
    ids = _Ids("Instead of a page, these products, ids separated by commas.")

    @pre_load
    def _drop_empty(self, data: Mapping[str, str], **_: Any) -> dict[str, str]:
        return {name: value for name, value in data.items() if value != "" or name not in ("page", "count")}

    @validates_schema
    def _one_way(self, data: Mapping[str, Any], **_: Any) -> None:
        ways = [name for name in ("ids", "after", "page") if name in data]
        if len(ways) > 1:
            raise ValidationError(f"Cannot be combined with {ways[1]}.", ways[0])
        if "ids" in data and "count" in data:
            raise ValidationError("Cannot be combined with ids.", "count")

    @post_load
    def _defaults(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {"page": 1, "count": DEFAULT_COUNT, "after": None, "ids": None} | dict(data)


class HistoryQuery(Part):
    """Selects rows of an instance's history: those after a second of unix time, the newest one without it."""

    since = fields.Integer(load_default=None, validate=validate.Range(0, 2**53))


class CartAddition(Part):
    """The body of POST /cart."""

    sku_id = _Whole(
        "A sku of a product's styles; a string of digits is accepted.",
        example=14,
        required=True,
        validate=validate.Range(1, LARGEST_ID),
    )
    count = _Whole(
        "How many to add; a string of digits is accepted.",
        example=2,
        load_default=1,
        validate=validate.Range(1, MOST_PIECES),
    )


class CartMerge(Part):
    """The body of POST /cart/merge."""

    token = fields.String(
        required=True,
        metadata={
            "description": "The token of the other cart, as this service issued it.",
            "example": "AAECAwQFBgcICQoLDA0ODw.dRyFHmW6V6r0zhXok3Cf3Eawumbx2qWW7KiaaWuNaz0",
        },
    )


class CartCount(Part):
    """The body of PUT /cart/{sku_id}."""

    count = _Whole(
        "The count to set; a string of digits is accepted.",
        example=3,
        required=True,
        validate=validate.Range(0, MOST_PIECES),
    )
