"""The composition root."""

from __future__ import annotations

import time

from flask import Flask, Response, current_app, g, request

from service import logs
from service.metrics.counting import Request
from service.metrics.series import ERROR
from service.resources import Resources
from service.settings import Settings
from service.web import EXTENSION, cors, error_handlers, resources
from service.web.cart import BY_AUTHORIZATION, cart
from service.web.fast_path import ApplicationFastPath
from service.web.ops import ops
from service.web.products import products

_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"))


def create_app(settings: Settings, parts: Resources | None = None) -> Flask:
    """The application over ``parts``, or over its own, opened as the settings say."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config[cors.ORIGINS] = cors.origins(settings.cors_origins)
    app.config[BY_AUTHORIZATION] = settings.cart_by_authorization
    app.url_map.merge_slashes = False  # a doubled slash is an unknown path, not a redirect
    app.url_map.strict_slashes = False  # and one at the end makes no difference
    app.extensions[EXTENSION] = parts = parts or Resources.open(settings)
    app.extensions["fast_path"] = ApplicationFastPath(parts, settings)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    for blueprint in (products, cart, ops):
        app.register_blueprint(blueprint)
    error_handlers.register(app)
    return app


def _begin() -> Response | None:
    g.began = time.perf_counter()
    logs.request_id.set(logs.request_id_for(request.headers.get("X-Request-Id", "")))
    if request.method == "OPTIONS" and request.url_rule is not None:
        return cors.preflight(", ".join(sorted(current_app.url_map.bind("").allowed_methods(request.path))))
    return None


def _finish(response: Response) -> Response:
    cors.finish(response)
    response.headers["X-Request-Id"] = logs.request_id.get() or ""
    endpoint = request.url_rule.rule if request.url_rule else "unknown"
    method = request.method if request.method in _METHODS else "other"  # a client cannot create time series
    path = "" if endpoint.startswith("/metrics") else "slow"  # who watches makes no traffic
    answered = Request(endpoint, method, response.status_code, _outcome(response), path)
    resources().metrics.requests.answered(answered, [g.began])
    return response


def _outcome(response: Response) -> str:
    """That of a read of documents, empty for other requests."""
    if request.blueprint != products.name:
        return ""
    return ERROR if response.status_code >= 500 else response.headers.get("X-Cache") or g.get("outcome", "")


def _end(_: BaseException | None) -> None:
    logs.request_id.set(None)  # threads are reused, also for work outside of requests
