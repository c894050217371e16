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
from service.errors import Malformed
from service.web import cors, requests, resources, responses
from service.web.schemas import CartAddition, CartCount, CartMerge, SkuPath

cart = Blueprint("cart", __name__)

COOKIE = "cart"
HEADER = "X-Cart-Token"
BY_AUTHORIZATION = "CART_BY_AUTHORIZATION"
"""Key in the application's configuration: whether Authorization identifies a cart."""
CLIENT_HEADERS = ("X-Forwarded-For", "User-Agent")
"""What is known of where a client's requests come from."""
_COOKIE_SECONDS = 90 * 24 * 3600


@cart.get("/cart")
def show_cart() -> Response:
    """The lines of the client's cart."""
    cart_id = _own_cart()
    lines = block_on(resources().carts.contents(cart_id)) if cart_id else b"[]"
    return responses.read_private(lines)


@cart.get("/cart/lines")
def show_priced_cart() -> Response:
    """The lines of the client's cart with names, prices and their total."""
    cart_id = _own_cart()
    return responses.read_private(
        block_on(resources().carts.priced(cart_id)) if cart_id else b'{"lines":[],"total":"0"}'
    )


@cart.post("/cart")
def add_to_cart() -> Response:
    """Add to the count of a sku; a client without a cart gets one. Once for each Idempotency-Key."""
    wanted, key = requests.body(CartAddition), requests.idempotency_key()
    cart_id = _own_cart() or _new_cart(key)
    addition = Addition(cart_id, wanted["sku_id"], wanted["count"], key)
    (outcome,) = block_on(resources().additions.add([addition]))
    if outcome.refusal:
        raise outcome.refusal
    return _hand_out(cart_id, responses.created(is_replayed=outcome.is_replayed))


@cart.post("/cart/merge")
def merge_carts() -> Response:
    """Move the lines of another cart, whose token the body has, to the client's; a client without a cart gets one."""
    other_id = resources().tokens.open(requests.body(CartMerge)["token"])
    if other_id is None:
        raise Malformed("The body is malformed.", {"token": ["Not a valid token."]})
    cart_id = _own_cart() or _new_cart(None)
    block_on(resources().carts.merge(cart_id, other_id))
    return _hand_out(cart_id, responses.written())


@cart.put("/cart/<sku_id>")
def set_line(sku_id: str) -> Response:
    """Set the count of a sku; 0 removes it."""
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
def remove_line(sku_id: str) -> Response:
    """Remove a sku."""
    unwanted_sku = requests.path(SkuPath)["sku_id"]
    requests.refuse_abandoned()
    if cart_id := _own_cart():
        block_on(resources().carts.remove(cart_id, unwanted_sku))
    return responses.written()


@cart.delete("/cart")
def clear_cart() -> Response:
    """Delete the cart."""
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
    may_send_credentials = cors.may_send_credentials()
    response.headers.add(
        "Set-Cookie", cookie(token, may_send_credentials=may_send_credentials, is_secure=request.is_secure)
    )
    return response


def cookie(token: str, *, may_send_credentials: bool, is_secure: bool) -> str:
    """The cookie of a cart: pages of origins that may send credentials need it from other sites."""
    site, secure = ("None", True) if may_send_credentials else ("Lax", is_secure)
    return dump_cookie(
        COOKIE,
        token,
        max_age=_COOKIE_SECONDS,
        sync_expires=False,
        httponly=True,
        samesite=site,
        secure=secure,
        path="/cart",
    )
