"""The catalogue: lists of products, and each product's documents."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, g, request

from service.catalogue import Document, Key, Kind, page
from service.coroutines import block_on
from service.errors import UnknownProduct
from service.web import requests, resources, responses
from service.web.schemas import ListQuery, ProductPath

products = Blueprint("products", __name__)

_MOST_AT_ONCE = 100


@products.get("/products")
def list_products() -> Response:
    """A page of the catalogue, the products after an id, or the products with given ids."""
    query = requests.query(ListQuery)
    if query["ids"] is not None:
        return _cards(query["ids"])
    database, page, count = resources().database, query["page"], min(query["count"], _MOST_AT_ONCE)
    if query["after"] is not None:
        ids, more = block_on(database.ids_after(query["after"], count))
    else:
        ids, more = block_on(database.ids_on_page(page, query["count"], count))
    if not more:
        return _cards(ids)
    by_page = query["after"] is None and count == query["count"]
    following = f"page={page + 1}" if by_page else f"after={ids[-1]}"
    base_path = request.headers.get("X-Forwarded-Prefix", "")  # where the client finds this service
    return _cards(ids, f'<{base_path}/products?{following}&count={count}>; rel="next"')


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


@products.get("/products/<product_id>/page")
def show_page(product_id: str) -> Response:
    """A product, its styles and the summaries of its related products."""
    number = requests.path(ProductPath)["product_id"]
    own = _documents(page.own_keys(number))
    if any(one.body is None for one in own):
        g.outcome = page.worst({one.outcome for one in own})
        raise UnknownProduct
    summaries = _documents(page.summary_keys(own[-1]))
    return responses.read_document(page.Page.of(number, own, summaries).document())


def _documents(keys: Sequence[Key]) -> Sequence[Document]:
    found = block_on(resources().catalogue.documents(keys)) if keys else {}
    return [found[key] for key in keys]


def _document(kind: Kind) -> Response:
    key = Key(kind, requests.path(ProductPath)["product_id"])
    document = block_on(resources().catalogue.documents([key]))[key]
    if document.body is None:
        g.outcome = document.outcome
        raise UnknownProduct
    return responses.read_document(document)


def _cards(ids: Sequence[int], link: str | None = None) -> Response:
    keys = [Key(Kind.CARD, product_id) for product_id in ids]
    found = [(document.plain_body(), document.outcome) for document in _documents(keys)]
    return responses.read_many([(body, outcome) for body, outcome in found if body is not None], link=link)
