"""The catalogue: lists of products, and each product's documents."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response

from service.catalogue import Key, Kind
from service.errors import UnknownProduct
from service.web import requests, resources, responses
from service.web.schemas import ListQuery, NoQuery, ProductPath

products = Blueprint("products", __name__)


@products.get("/products")
def list_products() -> Response:
    """A page of the catalogue, the products after an id, or certain products."""
    asked = requests.query(ListQuery)
    if asked["ids"] is not None:
        return _cards(asked["ids"])
    database, count = resources().database, asked["count"]
    if asked["after"] is not None:
        ids, more = database.ids_after(asked["after"], count)
        following = f"after={ids[-1]}" if more else None
    else:
        ids, more = database.ids_on_page(asked["page"], count)
        following = f"page={asked['page'] + 1}" if more else None
    return _cards(ids, following and f'</products?{following}&count={count}>; rel="next"')


@products.get("/products/<product_id>")
def show_product(product_id: str) -> Response:
    """A product with its features."""
    return _document(Kind.PRODUCT)


@products.get("/products/<product_id>/styles")
def show_styles(product_id: str) -> Response:
    """A product's styles with their photos and skus."""
    return _document(Kind.STYLES)


@products.get("/products/<product_id>/related")
def show_related(product_id: str) -> Response:
    """The ids of a product's related products."""
    return _document(Kind.RELATED)


def _document(kind: Kind) -> Response:
    key = Key(kind, requests.path(ProductPath)["product_id"])
    requests.query(NoQuery)
    document = resources().catalogue.documents([key])[key]
    if document.body is None:
        raise UnknownProduct
    return responses.read(document.body, document.etag, document.outcome)


def _cards(ids: Sequence[int], link: str | None = None) -> Response:
    keys = [Key(Kind.CARD, product_id) for product_id in ids]
    documents = resources().catalogue.documents(keys) if keys else {}
    found = [(documents[key].body, documents[key].outcome) for key in keys]
    return responses.read_many([(body, outcome) for body, outcome in found if body is not None], link=link)
