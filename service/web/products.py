"""The catalogue: lists of products, and each product's documents."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, g, request

from service.catalogue import Document, Key, Kind, page
from service.coroutines import block_on
from service.errors import UnknownProduct
from service.web import contract, requests, resources, responses
from service.web.contract.bodies import Card, Page, Product, Styles
from service.web.schemas import LARGEST_ID, ListQuery, ProductPath

products = Blueprint("products", __name__)

_MOST_AT_ONCE = 100
_ID = {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}
_TWO_FORMS = ["Content-Encoding", "Vary"]


@products.get("/products")
@contract.catalogue(
    "The products, without their features",
    [Card],
    ["Link"],
    query=ListQuery,
    examples={"page": {}, "after": {"after": 12, "count": 1}, "ids": {"ids": "3,1", "count": None}},
)
def list_products() -> Response:
    """A page of the catalogue, the products after an id, or the products with given ids.

    Ascending by id, or with `ids` in the order given. Only one of `page`, `after` and `ids` can be given, and `count`
    not with `ids`. Ids that do not exist are left out; a page past the end is an empty array. Where more follow, `Link`
    leads to them.
    """
    query = requests.query(ListQuery)
    if query["ids"] is not None:
        return _cards(query["ids"])
    lists, page, count = resources().lists, query["page"], min(query["count"], _MOST_AT_ONCE)
    if query["after"] is not None:
        ids, more = block_on(lists.ids_after(query["after"], count))
    else:
        ids, more = block_on(lists.ids_on_page(page, query["count"], count))
    if not more:
        return _cards(ids)
    by_page = query["after"] is None and count == query["count"]
    following = f"page={page + 1}" if by_page else f"after={ids[-1]}"
    base_path = request.headers.get("X-Forwarded-Prefix", "")  # where the client finds this service
    return _cards(ids, f'<{base_path}/products?{following}&count={count}>; rel="next"')


@products.get("/products/<product_id>")
@contract.catalogue("The product", Product, _TWO_FORMS, path=ProductPath, problems=[UnknownProduct])
def show_product(product_id: str) -> Response:
    """A product with its features."""
    return _document(Kind.PRODUCT)


@products.get("/products/<product_id>/styles")
@contract.catalogue(
    "The styles",
    Styles,
    _TWO_FORMS,
    path=ProductPath,
    problems=[UnknownProduct],
    examples={"stocked": {}, "placeholders": {"product_id": 4}},
)
def show_styles(product_id: str) -> Response:
    """A product's styles with their photos and skus.

    Ascending by style id. A style without photos has one placeholder photo of nulls, a style without skus one
    placeholder sku under the key `null`.
    """
    return _document(Kind.STYLES)


@products.get("/products/<product_id>/related")
@contract.catalogue("The ids", {"type": "array", "items": _ID}, _TWO_FORMS, path=ProductPath, problems=[UnknownProduct])
def show_related(product_id: str) -> Response:
    """The ids of a product's related products.

    In the order of the catalogue. An id can repeat, be the product's own, or be of a product that does not exist.
    """
    return _document(Kind.RELATED)


@products.get("/products/<product_id>/page")
@contract.catalogue(
    "The product, the results of its styles, and a summary of each related product",
    Page,
    _TWO_FORMS,
    path=ProductPath,
    problems=[UnknownProduct],
)
def show_page(product_id: str) -> Response:
    """A product with its styles and related products.

    All that a product's page shows, in one request. Of the related products, those that exist are shown, each once, in
    the order of the catalogue; prices and picture are those of the default style, or of the first.
    """
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
