"""Every error becomes problem+json; what nobody expected is logged here and shown to no one."""

from __future__ import annotations

import logging

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from service import errors
from service.errors import ServiceError
from service.web import responses

_LOG = logging.getLogger(__name__)

BY_STATUS: dict[int | None, type[ServiceError]] = {
    error.status: error
    for error in (
        errors.Malformed,
        errors.NotFound,
        errors.MethodNotAllowed,
        errors.RequestTimeout,
        errors.TooLarge,
        errors.UriTooLong,
        errors.UnsupportedMediaType,
        errors.ExpectationFailed,
        errors.HeadersTooLarge,
        errors.UnsupportedTransferCoding,
    )
}
"""What a status says that is not the service's own, but its framework's or a parser's."""


def register(app: Flask) -> None:
    """Answer for every error that leaves a view."""
    app.register_error_handler(ServiceError, _service_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _service_error(error: ServiceError) -> Response:
    return responses.problem(error)


def _http_error(error: HTTPException) -> Response:
    is_late = isinstance(error.__context__, TimeoutError)  # the body, which werkzeug takes for a client that has gone
    known = errors.RequestTimeout if is_late else BY_STATUS.get(error.code)
    if known is None:
        return _unexpected(error)
    allowed = [("Allow", ", ".join(sorted(error.valid_methods or ())))] if isinstance(error, MethodNotAllowed) else None
    return responses.problem(known(), allowed)


def _unexpected(error: Exception) -> Response:
    _LOG.error("a request failed", exc_info=error)
    return responses.problem(ServiceError())
