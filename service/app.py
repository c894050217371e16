"""The composition root."""

from __future__ import annotations

import time

from flask import Flask, Response, current_app, g, request

from service import logs, timing, trace_context
from service.metrics.counting import Request
from service.metrics.series import ERROR
from service.resources import Resources
from service.settings import Settings
from service.web import EXTENSION, cors, error_handlers, resources
from service.web.answered import UNKNOWN, Answered
from service.web.cart import BY_AUTHORIZATION, cart
from service.web.demo import demo
from service.web.docs import docs
from service.web.fast_path import ApplicationFastPath
from service.web.ops import ops
from service.web.products import products
from service.web.request_log import RequestLog
from service.web.tracing import Tracer

_LOG = "request_log"
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"))


def create_app(settings: Settings, parts: Resources | None = None, tracer: Tracer | None = None) -> Flask:
    """The application over ``parts``, or over its own, opened as the settings say. A ``tracer`` records requests."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config[cors.ORIGINS] = cors.origins(settings.cors_origins)
    app.config[BY_AUTHORIZATION] = settings.cart_by_authorization
    app.url_map.merge_slashes = False  # a doubled slash is an unknown path, not a redirect
    app.url_map.strict_slashes = False  # and one at the end makes no difference
    app.extensions[EXTENSION] = parts = parts or Resources.open(settings)
    app.extensions[_LOG] = log = RequestLog(settings.slow_seconds, app.url_map, tracer)
    app.extensions["tracer"] = tracer
    app.extensions["fast_path"] = ApplicationFastPath(parts, settings, log)
    app.before_request(_begin)
    app.after_request(_finish)
    app.teardown_request(_end)
    for blueprint in (products, cart, ops, docs, *([demo] if settings.demo else [])):
        app.register_blueprint(blueprint)
    error_handlers.register(app)
    return app


def _begin() -> Response | None:
    g.waits = waits = timing.begin()
    if (arrived := request.environ.get(timing.ARRIVED)) is not None:
        waits.seconds["queue"] = waits.began - arrived
    g.trace = trace_context.parse(request.headers.get("traceparent", ""))
    logs.request_id.set(logs.request_id_for(request.headers.get("X-Request-Id", "")))
    logs.trace_id.set(g.trace and g.trace.trace_id)
    if request.method == "OPTIONS" and request.url_rule is not None:
        return cors.preflight(", ".join(sorted(current_app.url_map.bind("").allowed_methods(request.path))))
    return None


def _finish(response: Response) -> Response:
    cors.finish(response)
    response.headers["X-Request-Id"] = logs.request_id.get() or ""
    endpoint = request.url_rule.rule if request.url_rule else UNKNOWN
    method = request.method if request.method in _METHODS else "other"  # a client cannot create time series
    arrived = g.waits.began - g.waits.seconds.get("queue", 0.0)
    path = "" if endpoint.startswith("/metrics") else "slow"  # who watches makes no traffic
    counted = Request(endpoint, method, response.status_code, _outcome(response), path)
    resources().metrics.traffic.requests.answered(counted, [arrived])
    _note(response, endpoint, method, arrived)
    return response


def _outcome(response: Response) -> str:
    """That of a read of documents, empty for other requests."""
    if request.blueprint != products.name:
        return ""
    return ERROR if response.status_code >= 500 else response.headers.get("X-Cache") or g.get("outcome", "")


def _note(response: Response, endpoint: str, method: str, arrived: float) -> None:
    own_id, now = response.headers["X-Request-Id"], time.perf_counter()
    one = Answered(own_id, g.trace, endpoint, method, response.status_code, arrived, now, g.waits.seconds)
    response.headers["Server-Timing"] = one.server_timing()
    current_app.extensions[_LOG].answered(one)


def _end(_: BaseException | None) -> None:
    logs.request_id.set(None)  # threads are reused, also for work outside of requests
    logs.trace_id.set(None)
