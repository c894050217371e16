"""The application of the watch process."""

from __future__ import annotations

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
    responses.register(app, collector.settings.operations.rpartition(":")[0].strip("[]"))
    return app
