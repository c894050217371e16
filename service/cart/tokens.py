"""Tokens that identify carts: 128 random bits and a signature that only this service can make."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID, uuid4

from itsdangerous import BadSignature, Signer


class CartTokens:
    """Issues and verifies tokens signed with ``secret``."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._signer = Signer(secret, salt="cart", key_derivation="hmac", digest_method=hashlib.sha256)

    def new_cart(self) -> UUID:
        """An id for a new cart: random, so that it reveals nothing and cannot be guessed."""
        return uuid4()

    def cart_of(self, authorization: str) -> UUID:
        """The cart of clients that send this Authorization header: a digest of it that only this service can make."""
        digest = hmac.digest(self._secret, b"authorization:" + authorization.encode(), "sha256")
        return UUID(bytes=digest[:16], version=4)

    def issue(self, cart_id: UUID) -> str:
        """The token of a cart: letters, digits, ``-``, ``_`` and one dot; the same one every time."""
        return self._signer.sign(urlsafe_b64encode(cart_id.bytes).rstrip(b"=")).decode("ascii")

    def open(self, token: str) -> UUID | None:
        """The cart of a token, or None if this service did not sign it."""
        try:
            cart_id = UUID(bytes=urlsafe_b64decode(self._signer.unsign(token) + b"=="))
        except (BadSignature, ValueError):
            return None
        # Several spellings of a signature decode to the same bytes; only one of them was issued.
        return cart_id if token == self.issue(cart_id) else None
