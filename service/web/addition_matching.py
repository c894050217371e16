"""Matches a plain addition to a cart by its bytes; all others are answered by gunicorn's parser and Flask."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from service import logs
from service.cart.additions import Addition
from service.cart.tokens import CartTokens
from service.errors import Malformed
from service.timing import Waits
from service.web import cart, heads, raw
from service.web.requests import json_object
from service.web.schemas import LARGEST_ID, MOST_PIECES, is_whole

ADDITIONS = "additions"

# What these say may change the answer.
_ONCE = {
    b"host": heads.HOST,
    b"x-request-id": heads.REQUEST_ID,
    b"x-forwarded-proto": rb"(?P<scheme>https?)",
    b"x-forwarded-for": rb"(?P<forwarded>%b)" % heads.VALUE,
    b"user-agent": rb"(?P<agent>%b)" % heads.VALUE,
    b"content-type": rb"application/json(?:; ?charset=(?:utf|UTF)-8)?+",
    b"content-length": rb"(?P<length>[1-9][0-9]{0,2})",
    b"cookie": rb"(?P<cookies>%b)" % heads.VALUE,
    b"x-cart-token": rb"(?P<token>[A-Za-z0-9_.-]++)",
    b"idempotency-key": rb"(?P<key>[!-~](?:[ -~]{0,253}[!-~])?)",
    b"authorization": heads.VALUE,
    b"origin": rb"(?P<origin>%b)" % heads.VALUE,
    b"sec-fetch-site": rb"(?P<site>[a-z-]++)",
}
_NEVER = (*heads.ABOUT_MESSAGES, b"content-encoding")
_BODY = rb"(?P<body>\{[ -~]{0,500}+)"
_REQUEST = re.compile(heads.head(rb"POST /cart HTTP/1\.1", _ONCE, _NEVER) + _BODY)
_COOKIE = re.compile(rb"(?:^|; ?)%b=([A-Za-z0-9_.-]++)(?=;|$)" % cart.COOKIE.encode())


class _Parts(NamedTuple):
    """Groups of the expression, None for those that are not there."""

    has_host: bytes | None
    has_content_type: bytes | None
    has_authorization: bytes | None
    length: bytes | None
    request_id: bytes | None
    scheme: bytes | None
    forwarded: bytes | None
    agent: bytes | None
    cookies: bytes | None
    token: bytes | None
    key: bytes | None
    origin: bytes | None
    site: bytes | None
    body: bytes


class AdditionRequest(NamedTuple):
    """An addition to the cart of ``token``; ``raw`` is all of it, ``arrived`` on the clock of ``time.perf_counter``."""

    addition: Addition
    token: str
    request_id: bytes
    arrived: float
    origin: bytes | None
    is_secure: bool
    raw: bytes
    stage: str = ADDITIONS
    looked_up: Waits | None = None
    endpoint: str = "/cart"


class AdditionMatcher:
    """Finds the cart of an addition by ``tokens``; by Authorization only the application does, where that is on.

    X-Forwarded-Proto counts from the networks ``believed``, and at a Unix socket, as for gunicorn.
    """

    def __init__(
        self, tokens: CartTokens, origins: raw.Origins, believed: Collection[str], *, is_by_authorization: bool
    ) -> None:
        self._tokens = tokens
        self._origins = origins
        self._is_by_authorization = is_by_authorization
        networks = [ipaddress.ip_network(each) for each in believed]

        @lru_cache(256)
        def is_believed(address: str) -> bool:
            own = ipaddress.ip_address(address)
            return any(own in network for network in networks)

        self._is_believed = is_believed

    def match(self, received: bytes, client: Any) -> AdditionRequest | None:
        """The addition that these bytes are, or None."""
        matched = _REQUEST.fullmatch(received)
        if matched is None:
            return None
        parts = _Parts(*matched.group(*_Parts._fields))
        if parts.has_host is None or parts.has_content_type is None or int(parts.length or 0) != len(parts.body):
            return None
        wanted, own_cart = _wanted(parts.body), self._cart(parts)
        if wanted is None or own_cart is None:
            return None
        addition = Addition(own_cart[0], *wanted, None if parts.key is None else parts.key.decode())
        is_secure = parts.scheme == b"https" and (not isinstance(client, tuple) or self._is_believed(client[0]))
        own_id = parts.request_id or logs.new_request_id()
        return AdditionRequest(addition, own_cart[1], own_id, time.perf_counter(), parts.origin, is_secure, received)

    def _cart(self, parts: _Parts) -> tuple[UUID, str] | None:
        """The client's cart, a new one for a client without, and its token; None where only Flask can say."""
        tokens = self._tokens
        if parts.token is not None:
            return tokens.verified(parts.token.decode())
        if parts.cookies is not None and b"cart" in parts.cookies:
            return self._cart_of_cookie(parts)
        if parts.has_authorization is not None and self._is_by_authorization:
            return None
        client = ((value or b"").decode().rstrip() for value in (parts.forwarded, parts.agent))
        cart_id = tokens.new_cart() if parts.key is None else tokens.first_cart(parts.key.decode(), *client)
        return cart_id, tokens.issue(cart_id)

    def _cart_of_cookie(self, parts: _Parts) -> tuple[UUID, str] | None:
        cookies = (parts.cookies or b"").rstrip()
        found = _COOKIE.search(cookies)
        if found is None or cookies.count(b"cart") > 1 or not self._is_same_site(parts):
            return None
        return self._tokens.verified(found[1].decode())

    def _is_same_site(self, parts: _Parts) -> bool:
        """Whether the cookie counts for certain; see cors.refuse_cross_site."""
        if self._origins.may_send_credentials(parts.origin):
            return True
        return parts.site in (b"same-origin", b"none") if parts.site else parts.origin is None


def _wanted(body: bytes) -> tuple[int, int] | None:
    """The sku and how many, None for a body in which CartAddition has to find what is wrong."""
    try:
        given = json_object(body)
    except Malformed:
        return None
    sku_id, pieces = _number(given.get("sku_id")), _number(given.get("count", 1))
    return None if given.twice or not 0 < sku_id <= LARGEST_ID or not 0 < pieces <= MOST_PIECES else (sku_id, pieces)


def _number(value: Any) -> int:
    """A whole number, or one in digits; 0 for anything else."""
    return int(value) if is_whole(value) else 0
