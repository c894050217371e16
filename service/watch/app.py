"""The application of the watch process."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask

from service.watch import responses
from service.watch.collector import Collector
from service.watch.pages import EXTENSION, pages


def create_app(collector: Collector) -> Flask:
    """The application over a collector, which the caller starts."""
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # GET and HEAD only
    app.url_map.merge_slashes = False
    app.extensions[EXTENSION] = collector
    app.register_blueprint(pages)
    responses.register(app, _host(collector.settings.operations))
    return app


def _host(address: str) -> str:
    """The host of host:port."""
    return urlsplit(f"//{address}").hostname or "localhost"
