"""Requests as spans of OpenTelemetry, made after the response. The only module that imports its packages."""

from __future__ import annotations

import threading
import time

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.util.types import AttributeValue

from service.trace_context import TraceContext
from service.web.answered import UNKNOWN, Answered

_NAME = "product-overview"
_CLOSE_SECONDS = 2.0


class OpenTelemetry:
    """Records requests by a ``provider``, whose sampler decides about those that no caller has decided about."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer(_NAME)

    @classmethod
    def exporting(cls) -> OpenTelemetry:
        """One that sends spans over OTLP/HTTP, in batches and in a thread, as the standard variables say."""
        resource = Resource({"service.name": _NAME}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # it would wait half a minute
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return cls(provider)

    def record(self, one: Answered) -> None:
        """Record a request; neither its address nor what its client sent becomes an attribute."""
        offset = time.time_ns() - int(time.perf_counter() * 1e9)
        route = "" if one.endpoint == UNKNOWN else f" {one.endpoint}"
        span = self._tracer.start_span(
            f"{one.method}{route}",
            context=_context(one.trace),
            kind=SpanKind.SERVER,
            attributes=_attributes(one),
            start_time=offset + int(one.arrived * 1e9),
        )
        if one.is_failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(offset + int(one.ended * 1e9))

    def close(self) -> None:
        """Send what is left, and wait for that two seconds at most."""
        closing = threading.Thread(target=self._provider.shutdown, name="closing traces", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)


def _attributes(one: Answered) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "http.request.method": "_OTHER" if one.method == "other" else one.method,
        "http.response.status_code": one.status,
        "overview.request_id": one.request_id,
        **{f"overview.{part}_seconds": seconds for part, seconds in one.waits.items()},
    }
    if one.endpoint != UNKNOWN:
        attributes["http.route"] = one.endpoint
    if one.is_failed:
        attributes["error.type"] = str(one.status)
    return attributes


def _context(caller: TraceContext | None) -> Context:
    if caller is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if caller.is_sampled else TraceFlags.DEFAULT)
    parent = SpanContext(int(caller.trace_id, 16), int(caller.span_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(parent), Context())
