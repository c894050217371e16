"""Responses as bytes, for the fast path: the same status lines and headers as Flask's."""

from __future__ import annotations

from werkzeug.http import HTTP_STATUS_CODES

from service.errors import ServiceError
from service.web import cors, responses
from service.web.responses import Headers

_ANY_ORIGIN, _VARY_ORIGIN = b"Access-Control-Allow-Origin: *\r\n", b"Vary: Origin\r\n"
_CREDENTIALS = b"%bAccess-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"


def template(status: int, headers: Headers) -> bytes:
    """A head, to be filled in with the header lines that the worker sends with each response, and what is open."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {status} {HTTP_STATUS_CODES[status].upper()}\r\n%b{lines}\r\n".encode("latin-1")


def problem(error: ServiceError, path: str, request_id: bytes, common: bytes, *, has_body: bool = True) -> bytes:
    """An error at this path; ``common`` are the worker's header lines. The response to a HEAD has no body."""
    body = responses.problem_body(error, path)
    entity = [("Content-Type", responses.PROBLEM), ("Content-Length", str(len(body)))]
    head = [*responses.problem_headers(error), *entity, ("X-Request-Id", request_id.decode())]
    return template(error.status, head) % common + (body if has_body else b"")


class Origins:
    """Adds to responses what ``cors.finish`` adds to Flask's. ``listed`` is CORS_ORIGINS."""

    def __init__(self, listed: str) -> None:
        self._lines = {
            origin.encode(): _CREDENTIALS % (_VARY_ORIGIN, origin.encode()) for origin in cors.origins(listed)
        }
        self.are_listed = bool(self._lines)

    def may_send_credentials(self, origin: bytes | None) -> bool:
        """Whether this origin is listed."""
        return origin in self._lines

    def finish(self, response: bytes, origin: bytes | None) -> bytes:
        """The response to a request of this origin."""
        if not self.are_listed:
            return response
        return response.replace(_ANY_ORIGIN, self._lines.get(origin or b"", _ANY_ORIGIN + _VARY_ORIGIN), 1)
