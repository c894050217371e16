"""CORS: any origin may send requests; those of CORS_ORIGINS may also send credentials."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Response, current_app, request

from service.errors import CrossSite
from service.settings import SettingError
from service.web.responses import Empty

ORIGINS = "CORS_ORIGINS"
"""Key in the application's configuration: the origins that may send credentials."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
# Allowed where a preflight names no headers, or invalid ones.
_REQUEST_HEADERS = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Cart-Token, X-Request-Id"
_NAMES = re.compile(r"[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*", re.ASCII)


def origins(listed: str) -> frozenset[str]:
    """The origins of a list separated by commas, as browsers send them. Raises SettingError for anything else."""
    found = frozenset(filter(None, (one.strip() for one in listed.split(","))))
    if wrong := sorted(one for one in found if not _ORIGIN.fullmatch(one)):
        raise SettingError(f"CORS_ORIGINS takes origins such as https://shop.example, not {wrong[0]!r}")
    return found


def may_send_credentials() -> bool:
    """Whether the request's origin is listed."""
    return request.headers.get("Origin") in current_app.config[ORIGINS]


def refuse_cross_site() -> None:
    """Raise CrossSite if a page of another site sends this request, unless its origin is listed.

    Browsers say so in Sec-Fetch-Site; older ones send an Origin that is not this host. Other programs send neither.
    """
    if may_send_credentials():
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    is_other = site not in ("same-origin", "none") if site else bool(origin) and urlsplit(origin).netloc != request.host
    if is_other:
        raise CrossSite


def finish(response: Response) -> Response:
    """Let pages of listed origins read a response to a request with credentials, which ``*`` does not allow."""
    if current_app.config[ORIGINS]:
        response.vary.add("Origin")
        if may_send_credentials():
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.headers["Access-Control-Allow-Credentials"] = "true"
    return response


def preflight(allowed: str) -> Response:
    """The response to a preflight; ``allowed`` lists the path's methods.

    The requested headers are allowed, since clients of the old API send Authorization and others. They are repeated,
    as ``*`` does not include Authorization.
    """
    requested = request.headers.get("Access-Control-Request-Headers", "")
    headers = {
        "Allow": allowed,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Allow-Methods": allowed,
        "Access-Control-Allow-Headers": requested if _NAMES.fullmatch(requested) else _REQUEST_HEADERS,
        "Access-Control-Max-Age": "86400",
        "Vary": "Access-Control-Request-Headers",
    }
    return Empty(status=204, headers=headers)
