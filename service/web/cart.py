"""Carts, identified by a token that this service signed, in a cookie or in a header.

With CART_BY_AUTHORIZATION, a client without a token is identified by its Authorization header: a front end whose
server calls with one secret of its own, as with the old API.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, current_app, request
from werkzeug.http import dump_cookie

from service.cart.additions import Addition
from service.coroutines import block_on
from service.errors import KeyReused, KeyUnderWay, Malformed, TooManyItems, TooManyLines, UnknownSku
from service.web import contract, cors, requests, resources, responses
from service.web.contract import TOKEN, Answer
from service.web.contract.bodies import CartLine, PricedCart
from service.web.schemas import CartAddition, CartCount, CartMerge, SkuPath

cart = Blueprint("cart", __name__)

COOKIE = "cart"
HEADER = "X-Cart-Token"
BY_AUTHORIZATION = "CART_BY_AUTHORIZATION"
"""Key in the application's configuration: whether Authorization identifies a cart."""
CLIENT_HEADERS = ("X-Forwarded-For", "User-Agent")
"""What is known of where a client's requests come from."""


@cart.get("/cart")
@contract.cart_read("The lines", [CartLine])
def show_cart() -> Response:
    """The lines of the client's cart.

    Ascending by sku id; an empty array for a client without a cart.
    """
    cart_id = _own_cart()
    lines = block_on(resources().carts.contents(cart_id)) if cart_id else b"[]"
    return responses.read_private(lines)


@cart.get("/cart/lines")
@contract.cart_read("The lines and their total", PricedCart)
def show_priced_cart() -> Response:
    """The lines of the client's cart with names, prices and their total.

    From the catalogue as it is now: the sale price where there is one. `in_stock` says whether as many as the count are
    `available`. A sku that has left the catalogue is `gone`: it has nulls, is not in stock and adds nothing to the
    total.
    """
    cart_id = _own_cart()
    priced = block_on(resources().carts.priced(cart_id)) if cart_id else b'{"lines":[],"total":"0"}'
    return responses.read_private(priced)


@cart.post("/cart")
@contract.cart_write(
    Answer(201, "Added", {"const": responses.CREATED}, ["Idempotency-Replayed", *TOKEN], media_type="text/plain"),
    body=CartAddition,
    headers=["Idempotency-Key"],
    problems=[KeyUnderWay, UnknownSku, TooManyLines, TooManyItems, KeyReused],
)
def add_to_cart() -> Response:
    """Add to the count of a sku.

    Repeats add up, but once for each `Idempotency-Key`. A client without a cart gets one, and its token.
    """
    wanted, key = requests.body(CartAddition), requests.idempotency_key()
    cart_id = _own_cart() or _new_cart(key)
    addition = Addition(cart_id, wanted["sku_id"], wanted["count"], key)
    (outcome,) = block_on(resources().additions.add([addition]))
    if outcome.refusal:
        raise outcome.refusal
    return _hand_out(cart_id, responses.created(is_replayed=outcome.is_replayed))


@cart.post("/cart/merge")
@contract.cart_write(
    Answer(204, "Merged; no body. With the token of the client's cart", headers=TOKEN),
    body=CartMerge,
    problems=[TooManyLines],
)
def merge_carts() -> Response:
    """Move the lines of another cart to the client's cart.

    As at a login, when a client has one cart from before and one of its account. Counts of the same sku add up, to the
    most that a cart can hold of it. The other cart is empty then, so that repeating the request changes nothing; a cart
    merged with itself stays as it is. If the lines are too many, both carts stay as they are. A client without a cart
    gets one, and its token.
    """
    other_id = resources().tokens.open(requests.body(CartMerge)["token"])
    if other_id is None:
        raise Malformed("The body is malformed.", {"token": ["Not a valid token."]})
    cart_id = _own_cart() or _new_cart(None)
    block_on(resources().carts.merge(cart_id, other_id))
    return _hand_out(cart_id, responses.written())


@cart.put("/cart/<sku_id>")
@contract.cart_write(
    Answer(204, "Set; no body. With the token if the client has a cart", headers=TOKEN),
    path=SkuPath,
    body=CartCount,
    problems=[UnknownSku, TooManyLines, TooManyItems],
)
def set_line(sku_id: str) -> Response:
    """Set the count of a sku.

    `0` removes it. A client without a cart gets one, unless the count is 0.
    """
    wanted_sku, count = requests.path(SkuPath)["sku_id"], requests.body(CartCount)["count"]
    requests.refuse_abandoned()
    cart_id = _own_cart()
    if count:
        cart_id = cart_id or _new_cart(None)
        block_on(resources().carts.set(cart_id, wanted_sku, count))
    elif cart_id:
        block_on(resources().carts.remove(cart_id, wanted_sku))
    answer = responses.written()
    return _hand_out(cart_id, answer) if cart_id else answer


@cart.delete("/cart/<sku_id>")
@contract.cart_write(path=SkuPath)
def remove_line(sku_id: str) -> Response:
    """Remove a sku.

    Succeeds also if it is not in the cart.
    """
    unwanted_sku = requests.path(SkuPath)["sku_id"]
    requests.refuse_abandoned()
    if cart_id := _own_cart():
        block_on(resources().carts.remove(cart_id, unwanted_sku))
    return responses.written()


@cart.delete("/cart")
@contract.cart_write()
def clear_cart() -> Response:
    """Delete the cart.

    Succeeds also without a cart.
    """
    requests.refuse_abandoned()
    if cart_id := _own_cart():
        block_on(resources().carts.clear(cart_id))
    return responses.written()


def _own_cart() -> UUID | None:
    """The client's cart, None for a client without one.

    An invalid token in the cart header is an error, which the program that sent it should see. A cookie with an old
    signature is not the browser's fault: it is ignored, and the next addition replaces it.
    """
    tokens = resources().tokens
    if (token := request.headers.get(HEADER)) is not None:
        cart_id = tokens.open(token)
        if cart_id is None:
            raise Malformed(f"The {HEADER} header is not a token of this service.", {HEADER: ["Not a valid token."]})
        return cart_id
    if cart_id := tokens.open(request.cookies.get(COOKIE, "")):
        if request.method not in ("GET", "HEAD"):
            cors.refuse_cross_site()
        return cart_id
    authorization = request.headers.get("Authorization")
    return tokens.cart_of(authorization) if authorization and current_app.config[BY_AUTHORIZATION] else None


def _new_cart(key: str | None) -> UUID:
    """A cart for a client without one: the same again for a first addition that is repeated with its key."""
    if key is None:
        return resources().tokens.new_cart()
    return resources().tokens.first_cart(key, *(request.headers.get(name, "") for name in CLIENT_HEADERS))


def _hand_out(cart_id: UUID, response: Response) -> Response:
    token = resources().tokens.issue(cart_id)
    response.headers[HEADER] = token
    set_cookie = cookie(token, may_send_credentials=cors.may_send_credentials(), is_secure=request.is_secure)
    response.headers.add("Set-Cookie", set_cookie)
    return response


def cookie(token: str, *, may_send_credentials: bool, is_secure: bool) -> str:
    """The cookie of a cart: pages of origins that may send credentials need it from other sites."""
    site, secure = ("None", True) if may_send_credentials else ("Lax", is_secure)
    return dump_cookie(
        COOKIE,
        token,
        max_age=90 * 24 * 3600,
        sync_expires=False,
        httponly=True,
        samesite=site,
        secure=secure,
        path="/cart",
    )
