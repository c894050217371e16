"""Tokens that identify carts: 128 random bits and a signature that only this service can make."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from uuid import UUID, uuid4

from itsdangerous import Signer

# Verified tokens, so that a cart's next requests need no digest: some 50 MB.
_MOST_REMEMBERED = 131072


class CartTokens:
    """Issues and verifies tokens. The first of ``secrets`` signs, those signed with any of them are valid."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._oldest = secrets[-1].encode()
        self._signers = [
            Signer(secret, salt="cart", key_derivation="hmac", digest_method=hashlib.sha256) for secret in secrets
        ]
        self._verified: dict[str, tuple[UUID, str]] = {}

    def new_cart(self) -> UUID:
        """An id for a new cart: random, so that it reveals nothing and cannot be guessed."""
        return uuid4()

    def cart_of(self, authorization: str) -> UUID:
        """The cart of clients that send this Authorization header: a digest of it that only this service can make."""
        return self._digest("authorization", authorization)

    def first_cart(self, key: str, *client: str) -> UUID:
        """The cart that a client without one gets with its first addition if that has an Idempotency-Key.

        The same for the same key and ``client``, what is known of where its requests come from: others who chose the
        same key get another cart.
        """
        return self._digest("key", "\n".join((key, *client)))

    def issue(self, cart_id: UUID) -> str:
        """The token of a cart: letters, digits, ``-``, ``_`` and one dot; the same one every time."""
        return self._signers[0].sign(urlsafe_b64encode(cart_id.bytes).rstrip(b"=")).decode("ascii")

    def open(self, token: str) -> UUID | None:
        """The cart of a token, or None if this service did not sign it."""
        found = self.verified(token)
        return found and found[0]

    def verified(self, token: str) -> tuple[UUID, str] | None:
        """The same with the cart's token as it is issued now, which is another one if the first secret is new."""
        if (known := self._verified.get(token)) is not None:
            return known
        encoded = token.encode(errors="replace")
        value = encoded.partition(b".")[0]
        for signer in self._signers:
            # Signed again and compared: of several spellings that decode to the same bytes only one was issued.
            if hmac.compare_digest(encoded, signer.sign(value)):
                cart_id = UUID(bytes=urlsafe_b64decode(value + b"=="))
                return self._remembered(token, cart_id, token if signer is self._signers[0] else self.issue(cart_id))
        return None

    def _remembered(self, token: str, cart_id: UUID, issued: str) -> tuple[UUID, str]:
        if len(self._verified) >= _MOST_REMEMBERED:
            self._verified = {}
        self._verified[token] = found = cart_id, issued
        return found

    def _digest(self, use: str, text: str) -> UUID:
        digest = hmac.digest(self._oldest, f"{use}:{text}".encode(errors="replace"), "sha256")
        return UUID(bytes=digest[:16], version=4)
