"""The application for gunicorn and ``flask run``. The only module with effects on import."""

from __future__ import annotations

import logging

from service import logs
from service.app import create_app
from service.metrics.memory import of_this_instance
from service.resources import Resources
from service.settings import Settings
from service.web import tracing

_settings = Settings.from_env()
logs.configure(_settings.log_level)
logging.getLogger(__name__).info("starting", extra={"settings": _settings.masked()})
app = create_app(_settings, Resources.open(_settings, of_this_instance()), tracing.from_environment())
