"""Carts, identified by a token that this service signed, in a cookie or in a header.

With CART_BY_AUTHORIZATION, a client without a token is identified by its Authorization header: a front end whose
server calls with one secret of its own, as with the old API.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, current_app, request

from service.cart.carts import Addition
from service.errors import Malformed
from service.web import cors, requests, resources, responses
from service.web.schemas import CartAddition, CartCount, SkuPath

cart = Blueprint("cart", __name__)

COOKIE = "cart"
HEADER = "X-Cart-Token"
BY_AUTHORIZATION = "CART_BY_AUTHORIZATION"
"""Key in the application's configuration: whether Authorization identifies a cart."""
_COOKIE_SECONDS = 90 * 24 * 3600


@cart.get("/cart")
def show_cart() -> Response:
    """The lines of the client's cart."""
    cart_id = _own_cart()
    return responses.read_private(resources().carts.contents(cart_id) if cart_id else b"[]")


@cart.get("/cart/lines")
def show_priced_cart() -> Response:
    """The lines of the client's cart with names, prices and their total."""
    cart_id = _own_cart()
    return responses.read_private(resources().carts.priced(cart_id) if cart_id else b'{"lines":[],"total":"0"}')


@cart.post("/cart")
def add_to_cart() -> Response:
    """Add to the count of a sku; a client without a cart gets one."""
    addition = requests.body(CartAddition)
    cart_id = _own_cart() or resources().tokens.new_cart()
    (refusal,) = resources().carts.add([Addition(cart_id, addition["sku_id"], addition["count"])])
    if refusal:
        raise refusal
    return _hand_out(cart_id, responses.created())


@cart.put("/cart/<sku_id>")
def set_line(sku_id: str) -> Response:
    """Set the count of a sku; 0 removes it."""
    wanted_sku, count = requests.path(SkuPath)["sku_id"], requests.body(CartCount)["count"]
    cart_id = _own_cart()
    if count:
        cart_id = cart_id or resources().tokens.new_cart()
        resources().carts.set(cart_id, wanted_sku, count)
    elif cart_id:
        resources().carts.remove(cart_id, wanted_sku)
    answer = responses.written()
    return _hand_out(cart_id, answer) if cart_id else answer


@cart.delete("/cart/<sku_id>")
def remove_line(sku_id: str) -> Response:
    """Remove a sku."""
    unwanted_sku = requests.path(SkuPath)["sku_id"]
    if cart_id := _own_cart():
        resources().carts.remove(cart_id, unwanted_sku)
    return responses.written()


@cart.delete("/cart")
def clear_cart() -> Response:
    """Delete the cart."""
    if cart_id := _own_cart():
        resources().carts.clear(cart_id)
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
        return cart_id
    authorization = request.headers.get("Authorization")
    return tokens.cart_of(authorization) if authorization and current_app.config[BY_AUTHORIZATION] else None


def _hand_out(cart_id: UUID, response: Response) -> Response:
    token = resources().tokens.issue(cart_id)
    response.headers[HEADER] = token
    site, secure = ("None", True) if cors.may_send_credentials() else ("Lax", request.is_secure)
    response.set_cookie(
        COOKIE, token, max_age=_COOKIE_SECONDS, httponly=True, samesite=site, secure=secure, path="/cart"
    )
    return response
