"""What the document says of the API as a whole."""

from __future__ import annotations

from typing import Any

from service.web import cart, contract

ABOUT: dict[str, Any] = {
    "title": "Product Overview",
    "version": "1.0.0",
    "info": {
        "summary": "A catalogue of products with their styles, photos, sizes and related products, and a cart.",
        "description": (
            "Responses are compact JSON in UTF-8. `HEAD` works wherever `GET` does, and `OPTIONS` on every path; "
            "requests from every origin are allowed. Unknown query parameters and fields of a body are ignored. Every "
            "response has an `X-Request-Id`, and some a `Server-Timing`: where their time went, in milliseconds. Every "
            "error is `application/problem+json`, whose `type` links to its explanation."
        ),
    },
    "servers": [{"url": ".", "description": "Where this document is"}],
}

TAGS = [
    {
        "name": contract.CATALOGUE,
        "description": (
            "Public reads. Each response has a strong ETag: send it as `If-None-Match`, and an unchanged document is "
            "304 without a body. Bodies above 1 kB are gzipped for clients that accept it. Prices are whole units "
            "written as text."
        ),
    },
    {
        "name": contract.CART,
        "description": (
            f"A cart is identified by a token that this service issued, in the cookie `{cart.COOKIE}` or, for programs "
            f"without cookies, in the header `{cart.HEADER}`. The first addition issues it. An invalid token in the "
            "cookie is ignored; in the header it is an error."
        ),
    },
    {
        "name": contract.OPERATION,
        "description": "For operators and programs: liveness, readiness, and the API's description.",
    },
]

SECURITY_SCHEMES = {
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": cart.COOKIE,
        "description": "The token, as browsers send it back to `/cart`.",
    },
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": cart.HEADER,
        "description": "The token, for programs without cookies; it takes precedence over the cookie.",
    },
}
