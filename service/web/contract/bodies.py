"""Schemas of the bodies of responses, for the contract: Postgres makes their text, nothing is validated by them."""

from __future__ import annotations

from typing import Any

from marshmallow import RAISE, Schema, fields
from marshmallow.validate import Length, Range, Regexp

from service.web.schemas import LARGEST_ID


class Body(Schema):
    """An object with all of these fields and no others."""

    class Meta:
        """A response has what is described."""

        unknown = RAISE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Every field is there, with null where there is no value."""
        field_obj.required = True


def _id(**others: Any) -> fields.Integer:
    return fields.Integer(validate=Range(1, LARGEST_ID), **others)


def _price(says: str | None = None, **others: Any) -> fields.String:
    metadata = {"description": says} if says else {}
    return fields.String(validate=Regexp("^(0|[1-9][0-9]*)$"), metadata=metadata, **others)


def _sale_price() -> fields.String:
    return fields.String(allow_none=True, validate=Regexp("^[1-9][0-9]*$"))


def _text_or_null() -> fields.String:
    return fields.String(allow_none=True)


def _or_null_number(says: str) -> fields.Integer:
    return fields.Integer(allow_none=True, validate=Range(0), metadata={"description": says})


def _flag(says: str) -> fields.Boolean:
    return fields.Boolean(metadata={"description": says})


class Card(Body):
    """A product as a list has it."""

    id = _id()
    name = fields.String()
    slogan = fields.String()
    description = fields.String()
    category = fields.String()
    default_price = _price()


class Feature(Body):
    """A feature of a product."""

    feature = fields.String()
    value = _text_or_null()


class Product(Card):
    """A product with its features."""

    features = fields.List(fields.Nested(Feature))


class Photo(Body):
    """A photo of a style, or the placeholder of one."""

    thumbnail_url = _text_or_null()
    url = _text_or_null()


class Sku(Body):
    """A size of a style and how many there are, or the placeholder of one."""

    quantity = _or_null_number("How many there are.")
    size = _text_or_null()


class Style(Body):
    """A style of a product."""

    style_id = _id()
    name = fields.String()
    original_price = _price()
    sale_price = _sale_price()
    is_default = fields.Boolean(data_key="default?")
    photos = fields.List(fields.Nested(Photo), validate=Length(1))
    skus = fields.Dict(
        keys=fields.String(),
        values=fields.Nested(Sku),
        metadata={"minProperties": 1, "description": "By sku id; a placeholder has the key `null`."},
    )


class Styles(Body):
    """The styles of a product."""

    product_id = fields.String(validate=Regexp("^[1-9][0-9]*$"))
    results = fields.List(fields.Nested(Style))


class Summary(Body):
    """A product as the pages of others have it."""

    id = _id()
    name = fields.String()
    category = fields.String()
    default_price = _price()
    features = fields.List(fields.Nested(Feature))
    original_price = _price(allow_none=True)
    sale_price = _sale_price()
    thumbnail_url = _text_or_null()


class Page(Body):
    """All that the page of a product shows."""

    product = fields.Nested(Product)
    styles = fields.List(fields.Nested(Style))
    related = fields.List(fields.Nested(Summary))


class CartLine(Body):
    """A sku in a cart."""

    sku_id = _id()
    count = fields.Integer(validate=Range(1))


class PricedLine(CartLine):
    """A sku in a cart with what the catalogue says of it now, nulls if it has left it."""

    product_id = _id(allow_none=True)
    product_name = _text_or_null()
    style_id = _id(allow_none=True)
    style_name = _text_or_null()
    size = _text_or_null()
    unit_price = _price(allow_none=True)
    line_total = _price(allow_none=True)
    thumbnail_url = _text_or_null()
    in_stock = _flag("Whether there are as many as the count.")
    available = _or_null_number("How many there are.")
    original_price = _price("The price where there is no sale.", allow_none=True)
    on_sale = _flag("Whether the unit price is a sale price.")
    gone = _flag("Whether the sku has left the catalogue.")


class PricedCart(Body):
    """A cart with prices."""

    lines = fields.List(fields.Nested(PricedLine))
    total = _price()


class Problem(Schema):
    """An error by RFC 9457; ``errors`` says for each field what is wrong with it."""

    type = fields.String(required=True, validate=Regexp("^/docs#[a-z-]+$"))
    title = fields.String(required=True)
    status = fields.Integer(required=True, validate=Range(400, 599))
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String(), validate=Length(1)))

    class Meta:
        """More may come."""

        unknown = "include"
