"""The headers of requests and responses, each described once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Described = Mapping[str, tuple[str, Mapping[str, Any]]]
"""By name: what a header means, and its JSON schema."""


def _text(pattern: str, **others: str) -> Mapping[str, Any]:
    return {"type": "string", "pattern": pattern, **others}


def _one_of(*values: str) -> Mapping[str, Any]:
    return {"type": "string", "enum": list(values)}


REQUEST: Described = {
    "If-None-Match": ("ETags of responses that the client has, or `*`.", {"type": "string"}),
    "Idempotency-Key": (
        "The same key and body within 24 hours add once, and get the same response again; the same key with another "
        "body is refused. A key is of one cart; a client without one who repeats its first addition gets the same "
        "cart.",
        _text("^[ -~]{1,255}$"),
    ),
}

RESPONSE: Described = {
    "ETag": (
        "A strong validator of the body. That of a gzipped body ends in `-gzip`; either is good in `If-None-Match`, "
        "whatever form was sent. Weak where it was compressed on the way, as lists and pages are.",
        _text('^(W/)?"[0-9a-f]{16}(-gzip)?"$', example='"5f1d3b0a9c27e846"'),
    ),
    "Cache-Control": (
        "A second for the catalogue, a minute for pages; carts, states and errors are not cached.",
        _one_of("public, max-age=1", "public, max-age=60", "private, no-store", "no-store"),
    ),
    "Content-Encoding": (
        "Of a body above 1 kB, for callers whose `Accept-Encoding` asks for gzip at least as much as for plain bytes.",
        _one_of("gzip"),
    ),
    "Vary": (
        "What the answer depends on besides its address: a body above 1 kB has two forms, a cart is the caller's own.",
        {"type": "string"},
    ),
    "X-Cache": (
        "Source of the response. `hit`: the cache; `stale`: the cache, while it is refreshed in the background; "
        "`miss`: the database, filling the cache; `bypass`: the database, without the cache. A list has the worst of "
        "its products.",
        _one_of("hit", "stale", "miss", "bypass"),
    ),
    "Link": (
        "The rest of the list, where more follow.",
        _text(
            '^<(/[^>]*)?/products\\?(page|after)=[0-9]+&count=[0-9]+>; rel="next"$',
            example='</products?page=2&count=5>; rel="next"',
        ),
    ),
    "Idempotency-Replayed": ("The response to an earlier request with the same Idempotency-Key.", _one_of("true")),
    "X-Cart-Token": (
        "The token of the client's cart, the same every time.",
        _text("^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$"),
    ),
    "Set-Cookie": (
        "The token for browsers: `cart=…` for 90 days, `HttpOnly`, `SameSite=Lax`, `Path=/cart`, and `Secure` over "
        "https.",
        _text("^cart="),
    ),
    "Allow": ("The methods that the path takes.", {"type": "string"}),
    "Retry-After": ("Seconds after which to try again.", {"type": "integer", "minimum": 1, "example": 1}),
    "X-Request-Id": (
        "The request in the logs: the client's own `X-Request-Id` if it has 8 to 64 letters, digits, dots, dashes or "
        "underscores, else a new one.",
        _text("^[A-Za-z0-9._-]{8,64}$"),
    ),
}
