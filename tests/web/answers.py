"""What tests say about answers."""

import json
import re

LEAKS = re.compile(
    rb"traceback|psycopg|redis|select |insert |relation|constraint|syntax|\.py|\s/\w|line \d|\bat 0x", re.IGNORECASE
)
TITLES = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    415: "unsupported-media-type",
    500: "internal",
    503: "unavailable",
}


def compact(value):
    """JSON as the old service writes it: what JSON.stringify gives, which escapes half a surrogate pair and no more."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="backslashreplace")


def problem(response, status, code=None, path=None):
    """Assert that this is an RFC 9457 problem with nothing of the inside in it, and return its ``errors``."""
    assert response.status_code == status, response.data
    assert response.content_type == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert len(response.headers["X-Request-Id"]) >= 8
    assert "ETag" not in response.headers
    assert ("Retry-After" in response.headers) == (status in (409, 503))
    body = json.loads(response.data)
    assert response.data == compact(body)
    code = code or TITLES[status]
    assert list(body) == ["type", "title", "status", "detail", "instance", *(["errors"] if "errors" in body else [])]
    assert (body["type"], body["status"]) == (f"/docs#{code}", status)
    assert body["title"] == code.replace("-", " ").capitalize()
    assert body["detail"].endswith(".")
    assert path in (None, body["instance"])
    errors = body.get("errors", {})
    assert all(isinstance(text, str) and text for texts in errors.values() for text in texts)
    assert not LEAKS.search(compact({key: body[key] for key in ("title", "detail")} | {"all": list(errors.values())}))
    return errors
