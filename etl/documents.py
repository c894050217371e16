"""The documents of a product as in the HTTP contract, built from rows of the files.

This is a second implementation, in another language than the service's queries, so that each shows the other's bugs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from etl.fields import Row, Value

#: Returns the rows of a table that belong to a parent's id, ascending.
Below = Callable[[str, Value], Sequence[Row]]

_CARD = ("id", "name", "slogan", "description", "category")
_SUMMARY = ("id", "name", "category", "default_price", "features")


def documents(product: Row, below: Below) -> dict[str, str]:
    """Return the body of each kind of document."""
    identity = product["id"]
    card = {name: product[name] for name in _CARD} | {"default_price": str(product["default_price"])}
    features = [{"feature": row["feature"], "value": row["value"]} for row in below("features", identity)]
    styles = [_style(row, below) for row in below("styles", identity)]
    default = next((style for style in styles if style["default?"]), styles[0] if styles else None)
    return {
        "card": _json(card),
        "product": _json(card | {"features": features}),
        "styles": _json({"product_id": str(identity), "results": styles}),
        "related": _json([row["related_product_id"] for row in below("related_products", identity)]),
        "summary": _json({name: (card | {"features": features})[name] for name in _SUMMARY} | _shown(default)),
    }


def _shown(style: dict[str, Any] | None) -> dict[str, object]:
    """What a summary shows of its product's default style, or of the first."""
    if style is None:
        return dict.fromkeys(("original_price", "sale_price", "thumbnail_url"))
    prices = {name: style[name] for name in ("original_price", "sale_price")}
    return prices | {"thumbnail_url": style["photos"][0]["thumbnail_url"]}


def _style(style: Row, below: Below) -> dict[str, Any]:
    photos = [{"thumbnail_url": row["thumbnail_url"], "url": row["url"]} for row in below("photos", style["id"])]
    skus = {str(row["id"]): {"quantity": row["quantity"], "size": row["size"]} for row in below("skus", style["id"])}
    return {
        "style_id": style["id"],
        "name": style["name"],
        "original_price": str(style["original_price"]),
        "sale_price": str(style["sale_price"]) if style["sale_price"] else None,
        "default?": style["default_style"],
        "photos": photos or [{"thumbnail_url": None, "url": None}],
        "skus": skus or {"null": {"quantity": None, "size": None}},
    }


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
