"""Traces of an instance, received by a collector over HTTP."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.chaos.waits import wait_until
from tests.worker.exchange import exchange

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Receives OTLP; ``hangs`` for as long as it is told to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests, self.paths, self.goes_on = [], set(), threading.Event()
        self.goes_on.set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A worker that ends takes its connections with it."""

    def resources(self):
        return [resource for request in list(self.requests) for resource in request.resource_spans]

    def spans(self):
        return [span for resource in self.resources() for scope in resource.scope_spans for span in scope.spans]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.add(self.path)
        self.server.goes_on.wait(30)
        self.server.requests.append(ExportTraceServiceRequest.FromString(body))
        content = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def collector():
    made = Collector()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.goes_on.set()
    made.shutdown()
    thread.join()
    made.server_close()


def get(instance, path, *headers):
    raw = "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *headers, "", ""]).encode()
    assert exchange(instance.address, [raw]).startswith(b"HTTP/1.1 200 ")


def of(flags):
    return f"traceparent: 00-{TRACE}-{SPAN}-{flags}"


def test_a_collector_receives_the_spans_of_both_paths(launch, collector):
    instance = launch(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="50")
    get(instance, "/products/1", of("01"), "X-Request-Id: fast-sampled")
    get(instance, "/products/1", of("00"), "X-Request-Id: fast-unsampled")
    get(instance, "/products/1", "X-Request-Id: fast-without")
    get(instance, "/products?count=1&token=hidden", of("01"), "X-Request-Id: slow-sampled")
    get(instance, "/products?count=1", of("00"), "X-Request-Id: slow-unsampled")
    get(instance, "/products?count=1", "X-Request-Id: slow-without")
    wanted = {"fast-sampled", "slow-sampled", "slow-without"}
    wait_until(lambda: wanted <= found(collector).keys())
    instance.stop()
    spans = found(collector)
    assert {own_id for own_id in spans if own_id.startswith(("fast", "slow"))} == wanted
    assert spans["fast-sampled"]["span"].name == "GET /products/<product_id>"
    assert spans["fast-sampled"]["http.response.status_code"] == 200
    assert spans["fast-sampled"]["overview.redis_seconds"] > 0
    for own_id in ("fast-sampled", "slow-sampled"):
        span = spans[own_id]["span"]
        assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, SPAN)
        assert span.start_time_unix_nano < span.end_time_unix_nano
    assert not spans["slow-without"]["span"].parent_span_id
    assert collector.paths == {"/v1/traces"}
    assert "hidden" not in str(collector.resources())
    (name,) = {
        one.value.string_value
        for each in collector.resources()
        for one in each.resource.attributes
        if one.key == "service.name"
    }
    assert name == "product-overview"


def found(collector):
    """Attributes of the spans, and each span, by the id of its request."""
    described = {}
    for span in collector.spans():
        values = {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}
        described[values["overview.request_id"]] = values | {"span": span}
    return described


def test_what_is_left_is_sent_when_the_worker_ends(launch, collector):
    instance = launch(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="3600000")
    get(instance, "/products/1", of("01"), "X-Request-Id: the-last-one")
    assert "the-last-one" not in found(collector)
    instance.stop()
    assert "the-last-one" in found(collector)


def test_a_collector_that_hangs_holds_up_no_request_and_no_end(launch, collector):
    collector.goes_on.clear()
    instance = launch(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="50", OTEL_BSP_MAX_QUEUE_SIZE="512"
    )
    wait_until(lambda: (get(instance, "/livez"), collector.paths)[1])
    for _ in range(600):  # more than it keeps
        get(instance, "/products/1", of("01"))
        get(instance, "/livez", of("01"))
    began = time.monotonic()
    instance.stop()
    assert time.monotonic() - began < 8  # gunicorn kills after ten
    assert collector.requests == []
