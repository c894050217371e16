"""Requests as spans, into memory: their attributes, their parents, and who is sampled."""

import json
import subprocess
import sys
import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from service.app import create_app
from service.settings import Settings
from service.web import EXTENSION, tracing
from service.web.open_telemetry import OpenTelemetry

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "a secret of the tests"


def traceparent(flags="01"):
    return {"traceparent": f"00-{TRACE}-{SPAN}-{flags}"}


@pytest.fixture
def traced(redis_server):
    """Opens an application and gives a client of it, and the spans that it has made."""
    opened = []

    def traced(database_url):
        exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        settings = Settings(database_url, redis_server.url, SECRET, redis_timeout_seconds=2.0)
        opened.append(create_app(settings, tracer=OpenTelemetry(provider)))
        return opened[-1].test_client(), exporter.get_finished_spans

    yield traced
    for app in opened:
        app.extensions[EXTENSION].close()


def test_a_request_is_a_span_of_its_caller(traced, shared_database_url, redis_url):
    client, spans = traced(shared_database_url)
    began = time.time_ns()
    client.get("/products/1?token=hidden", headers=traceparent() | {"X-Request-Id": "id-of-this"})
    (span,) = spans()
    assert (span.name, span.kind) == ("GET /products/<product_id>", SpanKind.SERVER)
    assert f"{span.context.trace_id:032x}" == TRACE
    assert f"{span.parent.span_id:016x}" == SPAN
    assert span.parent.is_remote
    assert began <= span.start_time < span.end_time <= time.time_ns()
    waits = {name: span.attributes[f"overview.{name}_seconds"] for name in ("redis", "postgres")}
    assert 0 < sum(waits.values()) * 1e9 <= span.end_time - span.start_time
    assert {name: value for name, value in span.attributes.items() if not name.endswith("_seconds")} == {
        "http.request.method": "GET",
        "http.route": "/products/<product_id>",
        "http.response.status_code": 200,
        "overview.request_id": "id-of-this",
    }


def test_a_failure_is_an_error_and_a_mistake_of_the_client_is_none(traced, closed_port, redis_url):
    client, spans = traced(f"postgresql://nobody:hunter2@{closed_port}/none")
    assert client.get("/products/1").status_code == 503
    assert client.get("/nothing").status_code == 404
    assert client.open("/products/1", method="BREW").status_code == 405
    failed, unknown, odd = spans()
    assert (failed.status.status_code, failed.attributes["error.type"]) == (StatusCode.ERROR, "503")
    assert (unknown.status.status_code, unknown.name) == (StatusCode.UNSET, "GET")
    assert {"error.type", "http.route"}.isdisjoint(unknown.attributes)
    assert odd.attributes["http.request.method"] == "_OTHER"


def test_who_is_sampled_says_the_caller_or_else_the_environment(traced, shared_database_url, monkeypatch):
    client, spans = traced(shared_database_url)
    client.get("/livez", headers=traceparent("00"))
    assert spans() == ()
    client.get("/livez")
    assert [span.parent for span in spans()] == [None]
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
    client, spans = traced(shared_database_url)
    client.get("/livez")
    assert spans() == ()
    client.get("/livez", headers=traceparent())
    assert len(spans()) == 1


def test_no_secret_becomes_an_attribute(traced, shared_database_url):
    client, spans = traced(shared_database_url)
    secrets = {"Idempotency-Key": "hidden-key", "Authorization": "hidden-basic", "Cookie": "other=hidden-cookie"}
    token = client.post("/cart?token=hidden-query", json={"sku_id": 9}, headers=secrets).headers["X-Cart-Token"]
    client.put("/cart/9", json={"count": 2}, headers={"X-Cart-Token": token})
    client.get("/hidden-path")
    told = json.dumps([json.loads(span.to_json()) for span in spans()])
    assert len(spans()) == 3
    for secret in ("hidden", token, SECRET):
        assert secret not in told


@pytest.mark.parametrize(
    ("environ", "warned"),
    [
        ({}, ""),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, ""),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, ""),
        ({"OTEL_TRACES_EXPORTER": "console"}, "can be otlp or none"),
    ],
)
def test_it_is_off_unless_the_environment_asks_for_it(environ, warned, caplog):
    assert tracing.from_environment(environ) is None
    assert warned in caplog.text
    assert bool(warned) == bool(caplog.text)


_STARTED = "import sys; {before}; import service.wsgi; print(*sys.modules)"
_COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
# The client of Redis imports OpenTelemetry's metrics by itself where they are installed.
_ONLY_OURS = ("service.web.open_telemetry", "opentelemetry.exporter", "opentelemetry.sdk.trace")


@pytest.mark.parametrize("before", ["pass", "sys.modules['opentelemetry'] = None"], ids=["installed", "not installed"])
@pytest.mark.parametrize("environ", [{}, _COLLECTOR], ids=["off", "on"])
def test_only_where_it_is_on_and_installed_anything_of_it_is_imported(before, environ, closed_port):
    needed = {"DATABASE_URL": f"postgresql://{closed_port}/none", "REDIS_URL": f"redis://{closed_port}"}
    command = [sys.executable, "-c", _STARTED.format(before=before)]
    environ = needed | environ | {"CART_SECRET": SECRET}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=True)
    is_on, is_installed = _COLLECTOR.items() <= environ.items(), before == "pass"
    assert any(name.startswith(_ONLY_OURS) for name in ended.stdout.split()) == (is_on and is_installed)
    assert ("no traces are sent" in ended.stderr) == (is_on and not is_installed)
