"""Every error becomes problem+json; unexpected ones are logged here, and their details stay out of the response."""

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
"""The error for a status that the framework or a parser raised."""


def register(app: Flask) -> None:
    """Handle every error that leaves a view."""
    app.register_error_handler(ServiceError, _service_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected)


def _service_error(error: ServiceError) -> Response:
    return responses.problem(error)


def _http_error(error: HTTPException) -> Response:
    is_late = isinstance(error.__context__, TimeoutError)  # reading the body; werkzeug reports a client that has gone
    known = errors.RequestTimeout if is_late else BY_STATUS.get(error.code)
    if known is None:
        return _unexpected(error)
    allowed = [("Allow", ", ".join(sorted(error.valid_methods or ())))] if isinstance(error, MethodNotAllowed) else None
    return responses.problem(known(), allowed)


def _unexpected(error: Exception) -> Response:
    _LOG.error("a request failed", exc_info=error)
    return responses.problem(ServiceError())
