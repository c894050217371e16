"""Answers of running applications: one as it should be, one whose carts are small, one without its stores."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from etl.console import Console
from etl.generate import generate
from etl.load import load
from service import errors
from service.app import create_app
from service.errors import ServiceError
from service.settings import Settings
from service.web import EXTENSION, responses

PRODUCTS = 100  # the first ones are the same whatever the size
UNKNOWN = 2**31 - 1
ADDITION = {"sku_id": 14, "count": 2}
NOBODY = "127.0.0.1:1"  # nothing listens there

# A request that is answered with each problem, as arguments of the test client after the method and the path.
_PROVOKED: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "malformed": ("GET", "/products?page=0", {}),
    "not-found": ("GET", "/product/1", {}),
    "unknown-product": ("GET", f"/products/{UNKNOWN}", {}),
    "method-not-allowed": ("PUT", "/products/1", {}),
    "too-large": ("POST", "/cart", {"data": "1" * 20_000, "content_type": "application/json"}),
    "unsupported-media-type": ("POST", "/cart", {"data": "sku_id=14"}),
    "cross-site": ("POST", "/cart", {"json": ADDITION, "headers": {"Sec-Fetch-Site": "cross-site"}}),
    "unknown-sku": ("POST", "/cart", {"json": {"sku_id": UNKNOWN}}),
    "too-many-items": ("POST", "/cart", {"json": {"sku_id": 14, "count": 99}}),
    "key-reused": ("POST", "/cart", {"json": {"sku_id": 14}, "headers": {"Idempotency-Key": "added"}}),
}
_OF_SMALL_CART = {"too-many-lines": ("POST", "/cart", {"json": {"sku_id": 15}})}
# What takes a slow client, a flood, a defect or no instance at all is made as the application makes it.
_PLACES = {
    "internal": "/products/1",
    "key-under-way": "/cart",
    "timeout": "/cart",
    "too-many-requests": "/cart",
    "unavailable": "/products/1",
}


class Examples:
    """Answers by what was asked. The database has the sample catalogue."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.app = _application(database_url, redis_url)
        small = _application(database_url, redis_url, cart_max_lines=1)
        self.without_stores = _application(f"postgresql://{NOBODY}/none", f"redis://{NOBODY}/0")
        self.problems = {error.code: _rendered(error) for error in _kinds(ServiceError)}
        for app, requests in ((self.app, _PROVOKED), (small, _OF_SMALL_CART)):
            self.problems |= {code: _provoked(app, code, *request) for code, request in requests.items()}
        small.extensions[EXTENSION].close()

    def answer(self, method: str, path: str, body: Any, status: int) -> TestResponse:
        """What a client with a cart gets; raises ValueError for another status."""
        app = self.without_stores if status == errors.Unavailable.status else self.app
        client = app.test_client() if app is self.without_stores else _with_cart(app)
        response = client.open(path, method=method, json=body)
        if response.status_code != status:
            raise ValueError(f"{method} {path} is {response.status_code}, not {status}: {response.text}")
        return response

    def close(self) -> None:
        """End what the applications opened."""
        for app in (self.app, self.without_stores):
            app.extensions[EXTENSION].close()


def fill(database_url: str, directory: Path) -> None:
    """Load a small sample catalogue into a migrated database."""
    generate(directory, PRODUCTS)
    load(database_url, directory, Console(io.StringIO()))


def _application(database_url: str, redis_url: str, **settings: Any) -> Flask:
    given = {"cart_secret": "a secret of the examples", "redis_timeout_seconds": 2.0}
    return create_app(Settings(database_url, redis_url, **given | settings))


def _with_cart(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.post("/cart", json=ADDITION, headers={"Idempotency-Key": "added"})
    return client


def _provoked(app: Flask, code: str, method: str, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    given = _with_cart(app).open(path, method=method, **asked).json
    if given["type"] != f"/docs#{code}":
        raise ValueError(f"{method} {path} is {given}, not {code}")
    return given


def _rendered(error: type[ServiceError]) -> dict[str, Any]:
    return json.loads(responses.problem_body(error(), _PLACES.get(error.code, "")))


def _kinds(error: type[ServiceError]) -> list[type[ServiceError]]:
    """An error and all below it, the most general last: several share a code."""
    return [kind for below in error.__subclasses__() for kind in _kinds(below)] + [error]
