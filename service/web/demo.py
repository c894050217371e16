"""A product page for front-end developers: it shows how the whole API is used. Only where DEMO is on."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response

from service.web import requests, responses
from service.web.schemas import ProductPath

demo = Blueprint("demo", __name__)

_FILES = Path(__file__).parent / "demo"
# Photos are where the catalogue says.
_POLICY = (
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


# Without a slash at its end, as the page's own addresses are relative: it may be anywhere below a prefix.
@demo.get("/demo/<product_id>", strict_slashes=True)
def show_demo(product_id: str) -> Response:
    """The page of a product; whether there is such a product, it finds out itself."""
    requests.path(ProductPath)
    return _file("demo.html", responses.HTML)


@demo.get("/demo/<any(demo, service):name>.js")
def script(name: str) -> Response:
    """What the page does."""
    return _file(f"{name}.js", "text/javascript; charset=utf-8")


@demo.get("/demo/demo.css")
def style() -> Response:
    """How the page looks."""
    return _file("demo.css", "text/css; charset=utf-8")


def _file(name: str, content_type: str) -> Response:
    response = responses.page((_FILES / name).read_bytes(), content_type)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
