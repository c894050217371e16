"""Traces of requests: an extra, off by default.

Nothing of OpenTelemetry is imported unless the environment asks for traces, in OpenTelemetry's own variables.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Protocol

from service.web.answered import Answered

_LOG = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Tracer(Protocol):
    """Where traces go."""

    def record(self, one: Answered) -> None:
        """Record a request as a span of its caller's trace, or of a new one; without waiting."""
        ...

    def close(self) -> None:
        """Send what is left, and wait for that two seconds at most."""
        ...


def from_environment(environ: Mapping[str, str] = os.environ) -> Tracer | None:
    """The tracer that the environment asks for, None if it asks for none. A warning is logged if it cannot be had."""
    exporter = environ.get("OTEL_TRACES_EXPORTER") or ("otlp" if any(map(environ.get, _ENDPOINTS)) else "none")
    if exporter == "none" or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if exporter != "otlp":
        _LOG.warning("no traces are sent: OTEL_TRACES_EXPORTER can be otlp or none")
        return None
    try:
        from service.web.open_telemetry import OpenTelemetry  # noqa: PLC0415 (imported by nobody else)
    except ModuleNotFoundError:
        _LOG.warning("no traces are sent: deploy/observability/requirements-tracing.txt is not installed")
        return None
    return OpenTelemetry.exporting()
