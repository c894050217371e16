"""The API for programs and for people: openapi.json, and a page in words with Swagger UI to try it.

The page is made of openapi.json. Where scripts run, Swagger UI takes the place of the routes in words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup, escape

from service.errors import NotFound
from service.web import contract, responses

docs = Blueprint("docs", __name__, template_folder="templates")

OPENAPI = Path(__file__).parent.parent / "openapi.json"

_OWN = Path(__file__).parent
_CSS, _JS = "text/css; charset=utf-8", "text/javascript; charset=utf-8"
# Swagger UI shows images that its style sheet has in itself. Nothing else comes from anywhere but here.
_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_CODE = re.compile("`([^`]*)`")


@docs.get("/openapi.json")
@contract.page("This document", {"type": "object"}, "application/json")
def openapi() -> Response:
    """The API for programs."""
    return responses.page(OPENAPI.read_bytes(), responses.JSON)


@docs.get("/docs")
@contract.page("A page that shows this document and explains every problem", {"type": "string"}, "text/html")
def show_docs() -> Response:
    """The API for people."""
    base_path = request.headers.get("X-Forwarded-Prefix", "")  # where the client finds this service
    text = render_template("docs.html", api=_api(), base_path=base_path)
    response = responses.page(text.encode(), responses.HTML)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@docs.get("/docs/<name>")
def show_file(name: str) -> Response:
    """A file of the page."""
    if name not in _files():
        raise NotFound
    return responses.page(*_files()[name])


@docs.app_template_filter("prose")
def prose(text: str) -> Markup:
    """Text of the document as HTML: of CommonMark, it uses code alone."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - what is not ours is escaped before


@cache
def _api() -> Mapping[str, object]:
    found: Mapping[str, object] = json.loads(OPENAPI.read_bytes())
    return found


@cache
def _files() -> Mapping[str, tuple[bytes, str]]:
    viewer = files("flask_swagger_ui") / "dist"  # of this package, only these files are used
    return {
        "docs.css": ((_OWN / "docs.css").read_bytes(), _CSS),
        "docs.js": ((_OWN / "docs.js").read_bytes(), _JS),
        "swagger-ui.css": ((viewer / "swagger-ui.css").read_bytes(), _CSS),
        "swagger-ui-bundle.js": ((viewer / "swagger-ui-bundle.js").read_bytes(), _JS),
    }
