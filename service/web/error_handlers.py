"""Every error becomes problem+json; what nobody expected is logged here and shown to no one."""

from __future__ import annotations

import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service import errors
from service.errors import ServiceError
from service.web import responses

_LOG = logging.getLogger(__name__)

_BY_STATUS: dict[int | None, type[ServiceError]] = {
    400: errors.Malformed,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    408: errors.RequestTimeout,
    413: errors.TooLarge,
    415: errors.UnsupportedMediaType,
}


def register(app: Flask) -> None:
    """Answer for every error that leaves a view."""
    app.register_error_handler(ServiceError, _service_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _service_error(error: ServiceError) -> Response:
    return responses.problem(error)


def _http_error(error: HTTPException) -> Response:
    known = _BY_STATUS.get(error.code)
    if known is None:
        return _unexpected(error)
    allowed = [("Allow", ", ".join(sorted(error.valid_methods or ())))] if isinstance(error, MethodNotAllowed) else None
    return responses.problem(known(), allowed)


def _unexpected(error: Exception) -> Response:
    _LOG.error("a request failed", exc_info=error)
    return responses.problem(ServiceError())
