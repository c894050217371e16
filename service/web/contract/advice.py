"""What happened and what to do, for each error that a client can get: the page that an error's ``type`` leads to."""

from __future__ import annotations

from collections.abc import Mapping

ADVICE: Mapping[str, str] = {
    "malformed": (
        "An id, a query parameter, the body or the cart token is invalid or given twice. Correct what `errors` names."
    ),
    "cross-site": (
        "A browser says that a page of another site sends this, with this site's cart cookie. Send the cart token in "
        "the header, or have the page's origin listed in `CORS_ORIGINS`."
    ),
    "not-found": "No route has this path. Paths are case-sensitive.",
    "unknown-product": (
        "The id is valid, but there is no such product now. One that is added is found within seconds."
    ),
    "method-not-allowed": (
        "The path exists but does not support this method. The header `Allow` lists those supported."
    ),
    "timeout": "The request did not arrive in time. Send it again at once.",
    "key-under-way": (
        "The first request with this `Idempotency-Key` has no outcome yet. Repeat it after `Retry-After` seconds."
    ),
    "too-large": "The body is larger than the limit. A cart's body is a few dozen bytes.",
    "uri-too-long": "The URL is longer than the limit. Request fewer ids at once.",
    "unsupported-media-type": "The body is not declared as JSON. Send `Content-Type: application/json`.",
    "expectation-failed": "The header `Expect` is not `100-continue`. Send the request without it.",
    "impossible": (
        "The request is well-formed but cannot be carried out, for the reason in `detail`. Sending it again does not "
        "help."
    ),
    "unknown-sku": "The sku is not in the catalogue now. Take one from a product's styles.",
    "too-many-lines": "The cart is full: it holds the most different skus that a cart can. Remove one first.",
    "too-many-items": "The cart would hold more of this sku than one cart can. Add fewer.",
    "key-reused": (
        "The same `Idempotency-Key` came with another body within 24 hours. Give each addition a key of its own."
    ),
    "too-many-requests": (
        "More requests came in a second than one address may make, or more writes than one cart takes or an address "
        "without one. Repeat it after `Retry-After` seconds."
    ),
    "headers-too-large": "The headers together, or one of them, are larger than the limit. Send fewer cookies.",
    "internal": ("An error of the service. It is logged with the response's `X-Request-Id`: include that in a report."),
    "unsupported-transfer-coding": (
        "The body has a transfer coding other than `chunked`. Send it with its `Content-Length`."
    ),
    "unavailable": (
        "A data store that the response needs is down, or no instance responds. Retry after `Retry-After` seconds. A "
        "write may have succeeded in the moment of the failure: read the cart before you repeat it."
    ),
}
"""By code. It may use `code` of CommonMark and nothing else."""
