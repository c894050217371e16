"""Parses records of the files into rows, as COPY does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Value = int | str | None
#: Values by the name of their column; a boolean is an integer to Python too.
Row = Mapping[str, Value]

#: A field without what separates it from the next.
FIELD = rb'(?:[^,"\n]++|"[^"]*+")*+'
_FIELDS = re.compile(rb"(" + FIELD + rb"),")
_QUOTED = re.compile(rb'"((?:[^"]|"")*+)"')
_INTEGERS = frozenset(
    ("id", "product_id", "style_id", "related_product_id", "default_price", "original_price", "sale_price", "quantity")
)
_BOOLEANS = {"1": True, "0": False, "true": True, "false": False, "t": True, "f": False}


def row(columns: Sequence[str], line: bytes) -> Row:
    """Parse a record without its line end. Raises ValueError, with the reason, if it does not fit the columns."""
    fields = _FIELDS.findall(line + b",")
    if len(fields) != len(columns):
        raise ValueError(f"{len(fields)} values in {len(columns)} columns")
    return {column: _value(column, field) for column, field in zip(columns, fields, strict=True)}


def _value(column: str, field: bytes) -> Value:
    if field == b"null":
        return None
    text = _QUOTED.sub(lambda quoted: quoted[1].replace(b'""', b'"'), field).decode()
    if column in _INTEGERS:
        return int(text)
    if column != "default_style":
        return text
    if text not in _BOOLEANS:
        raise ValueError(f"{text!r} is neither true nor false")
    return _BOOLEANS[text]
