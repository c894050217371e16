"""The application for gunicorn. It acts on import: the collector starts."""

from __future__ import annotations

from service import logs
from service.settings import Settings
from service.watch.app import create_app
from service.watch.collector import Collector

_settings = Settings.from_env()
logs.configure(_settings.log_level)
_collector = Collector(_settings)
_collector.start()
app = create_app(_collector)
