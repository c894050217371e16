"""Responses, and the headers that every one of them has."""

from __future__ import annotations

import ipaddress
import json
import logging
import mimetypes
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service.catalogue.database import etag_of
from service.errors import Malformed, NotFound, ServiceError
from service.errors import MethodNotAllowed as OtherMethod
from service.web.responses import JSON, PROBLEM

_LOG = logging.getLogger(__name__)

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Misdirected(ServiceError):
    """This address is not asked under that name."""

    code = "misdirected"
    status = 421


def register(app: Flask, own_host: str) -> None:
    """Answer only where ``Host`` is an address, localhost or ``own_host``, and with problem+json for every error.

    A page of another site may have its name lead to this address: its requests are recognised by their Host.
    """
    app.before_request(lambda: _check_host(own_host))
    app.after_request(_with_headers)
    app.register_error_handler(ServiceError, _problem)
    app.register_error_handler(HTTPException, _http_problem)
    app.register_error_handler(Exception, _unexpected)


def json_of(value: Any) -> Response:
    """A JSON document of this moment."""
    return Response(json.dumps(value, ensure_ascii=False, separators=(",", ":")), content_type=JSON)


def text_of(text: str | bytes, content_type: str, file_name: str | None = None) -> Response:
    """A text of this moment, to be saved as ``file_name``."""
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'} if file_name else {}
    return Response(text, content_type=content_type, headers=headers)


def file(folder: Path, name: str) -> Response:
    """A file of the page, validated by its ETag at each use. Raises NotFound if there is none of this name."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise NotFound
    body = path.read_bytes()
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = Response(body, content_type=f"{content_type}; charset=utf-8")
    response.set_etag(etag_of(body))
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


def _check_host(own_host: str) -> None:
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    except ValueError:
        raise Misdirected from None
    if host not in ("localhost", own_host) and not _is_address(host):
        raise Misdirected


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _with_headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.update(_HEADERS)
    return response


def _problem(error: ServiceError, headers: dict[str, str] | None = None) -> Response:
    said: dict[str, Any] = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
    }
    if error.errors:
        said["errors"] = error.errors
    if error.retry_after_seconds is not None:
        headers = {**(headers or {}), "Retry-After": str(error.retry_after_seconds)}
    return Response(json.dumps(said), status=error.status, content_type=PROBLEM, headers=headers)


def _http_problem(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        return _problem(OtherMethod(), {"Allow": ", ".join(sorted(error.valid_methods or ()))})
    return _problem({400: Malformed, 404: NotFound}.get(error.code or 500, ServiceError)())


def _unexpected(error: Exception) -> Response:
    _LOG.error("a request failed", exc_info=error)
    return _problem(ServiceError())
