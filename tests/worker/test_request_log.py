"""Slow and failed requests in the log of an instance, on both paths; fast ones leave no line."""

import json
import socket
import time
from contextlib import ExitStack
from itertools import count

import pytest

from deploy.local import probes
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.locks import locked, waiting
from tests.worker.exchange import exchange

SLOW_SECONDS = 0.2
TRACE = "0af7651916cd43dd8448eb211c80319c"
IDS = (f"id-of-test-{number}" for number in count())


@pytest.fixture(scope="module")
def proxy(given, free_port):
    """Between the instance and its Redis."""
    made = FaultProxy(free_port("before redis"), given["REDIS_URL"].rpartition("@")[2].partition("/")[0])
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def settings(given, proxy):
    address = given["REDIS_URL"].rpartition("@")[2].partition("/")[0]
    return {
        "REDIS_URL": given["REDIS_URL"].replace(address, proxy.address),
        "REDIS_TIMEOUT_SECONDS": "5",
        "POSTGRES_TIMEOUT_SECONDS": "1.5",
        "SLOW_SECONDS": str(SLOW_SECONDS),
        "LOG_LEVEL": "WARNING",
        "THREADS": "1",
    }


@pytest.fixture(scope="module")
def instance(launch, settings):
    instance = launch(**settings)
    for path in ("/products/1", "/products/1?"):  # connections to both stores
        probes.status(instance.address, path)
    return instance


@pytest.fixture(scope="module")
def failing(launch, settings, free_port):
    """Has no Postgres."""
    nowhere = f"postgresql://nobody:hunter2@127.0.0.1:{free_port('nobody')}/none"
    return launch(**settings | {"DATABASE_URL": nowhere, "SLOW_SECONDS": "60"})


@pytest.fixture
def ask(instance):
    """Sends a request with an id and a trace of its own; returns the connection and the id."""
    with ExitStack() as stack:

        def ask(first_line, body=b"", receive_buffer=None):
            own_id, (host, _, port) = next(IDS), instance.address.rpartition(":")
            client = stack.enter_context(socket.socket())
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(20)
            client.connect((host, int(port)))
            head = [first_line, "Host: a", f"X-Request-Id: {own_id}", f"traceparent: 00-{TRACE}-b7ad6b7169203331-01"]
            if body:
                head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
            client.sendall("\r\n".join([*head, "", ""]).encode() + body)
            return client, own_id

        yield ask


def lines(instance):
    found = [json.loads(line) for line in instance.log.read_text("utf-8").splitlines() if line.startswith("{")]
    return [line for line in found if line["logger"] == "service.web.request_log"]


def line_of(instance, own_id):
    """The only line of a request, once it is there."""
    wait_until(lambda: any(line["request_id"] == own_id for line in lines(instance)))
    (line,) = [line for line in lines(instance) if line["request_id"] == own_id]
    assert line["level"] == "WARNING"
    return line


def held(instance, given, first_line, ask, body=b"", tables="products"):
    """The line of a request that waited for a lock."""
    with locked(given, tables):
        client, own_id = ask(first_line, body)
        wait_until(lambda: waiting(given) == 1)
        time.sleep(SLOW_SECONDS * 1.5)
    client.recv(65536)
    return line_of(instance, own_id)


@pytest.mark.parametrize(
    ("first_line", "endpoint", "body", "status", "tables"),
    [
        ("GET /products?count=1&token=hidden HTTP/1.1", "/products", b"", 200, "products"),
        ("GET /products/41 HTTP/1.1", "/products/<product_id>", b"", 200, "products"),
        ("HEAD /products/42/styles HTTP/1.1", "/products/<product_id>/styles", b"", 200, "products"),
        ("GET /products/43? HTTP/1.1", "/products/<product_id>", b"", 200, "products"),
        ("GET /products/7777 HTTP/1.1", "/products/<product_id>", b"", 404, "products"),
        ("POST /cart HTTP/1.1", "/cart", b'{"sku_id":1}', 201, "carts"),
        ("POST /cart? HTTP/1.1", "/cart", b'{"sku_id":1}', 201, "carts"),
    ],
)
def test_a_request_that_waited_for_postgres_is_a_line_that_says_so(
    instance, given, ask, first_line, endpoint, body, status, tables
):
    line = held(instance, given, first_line, ask, body, tables)
    assert (line["message"], line["status"], line["endpoint"]) == ("a slow request", status, endpoint)
    assert (line["method"], line["trace_id"]) == (first_line.partition(" ")[0], TRACE)
    assert line["seconds"] >= line["postgres_seconds"] >= SLOW_SECONDS
    assert 0 <= line["queue_seconds"] <= line["seconds"] - line["postgres_seconds"]
    assert "hidden" not in json.dumps(line)


@pytest.mark.parametrize("first_line", ["GET /products/1 HTTP/1.1", "GET /products/1? HTTP/1.1"])
def test_a_hit_that_waited_for_redis_is_a_line_that_says_so(instance, proxy, ask, first_line):
    ask(first_line)[0].recv(65536)
    proxy.delay(SLOW_SECONDS * 0.75)  # each way
    client, own_id = ask(first_line)
    client.recv(65536)
    proxy.heal()
    line = line_of(instance, own_id)
    assert line["seconds"] >= line["redis_seconds"] >= SLOW_SECONDS * 1.5
    assert "postgres_seconds" not in line


def test_a_miss_waits_for_its_look_up_and_its_load(instance, given, proxy, ask):
    proxy.delay(SLOW_SECONDS * 0.75)
    with locked(given):
        client, own_id = ask("GET /products/44 HTTP/1.1")
        wait_until(lambda: waiting(given) == 1)
        time.sleep(SLOW_SECONDS)
    client.recv(65536)
    proxy.heal()
    line = line_of(instance, own_id)
    assert line["redis_seconds"] >= SLOW_SECONDS * 3  # the look-up, and filling the cache
    assert line["postgres_seconds"] >= SLOW_SECONDS
    assert 0 <= line["queue_seconds"] <= line["seconds"] - line["redis_seconds"] - line["postgres_seconds"]


@pytest.mark.parametrize(
    ("first_line", "at_once"), [("GET /products/4%d? HTTP/1.1", 1), ("GET /products/5%d/related HTTP/1.1", 2)]
)
def test_what_waits_for_a_thread_or_for_a_batch_has_waited_in_the_queue(instance, given, ask, first_line, at_once):
    with locked(given, "products, related_products"):
        clients = []
        while waiting(given) < at_once:
            clients.append(ask(first_line % len(clients))[0])
            wait_until(lambda: waiting(given) == len(clients))
        last, own_id = ask(first_line % 8)
        time.sleep(SLOW_SECONDS * 1.5)
    for client in (*clients, last):
        client.recv(65536)
    line = line_of(instance, own_id)
    assert line["queue_seconds"] >= SLOW_SECONDS


@pytest.mark.parametrize(
    ("first_line", "body", "tables"),
    [
        ("GET /products/9001 HTTP/1.1", b"", "products"),
        ("GET /products/9002? HTTP/1.1", b"", "products"),
        ("POST /cart HTTP/1.1", b'{"sku_id":1}', "carts"),
        ("POST /cart? HTTP/1.1", b'{"sku_id":1}', "carts"),
    ],
)
def test_a_request_that_failed_is_a_line(instance, given, ask, first_line, body, tables):
    with locked(given, tables):
        client, own_id = ask(first_line, body)
        assert client.recv(65536).startswith(b"HTTP/1.1 503 ")
    line = line_of(instance, own_id)
    assert (line["message"], line["status"], line["trace_id"]) == ("a failed request", 503, TRACE)


@pytest.mark.parametrize("path", ["/products/9009", "/products/9009?", "/cart"])
def test_a_failure_is_a_line_though_it_was_quick(failing, path):
    head, body, own_id = f"GET {path}", b"", next(IDS)
    if path == "/cart":
        head, body = "POST /cart", b'{"sku_id":1}'
    head += f" HTTP/1.1\r\nHost: a\r\nX-Request-Id: {own_id}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n" if body else "\r\n"
    assert exchange(failing.address, [head.encode() + body]).startswith(b"HTTP/1.1 503 ")
    assert "trace_id" not in line_of(failing, own_id)


def test_of_many_failures_a_few_lines_a_second_are_written_and_the_rest_counted(launch, given, settings):
    instance, asked = launch(**settings), 100
    with locked(given), ExitStack() as stack:
        host, _, port = instance.address.rpartition(":")
        clients = [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(asked)]
        for number, client in enumerate(clients):
            client.sendall(b"GET /products/%d HTTP/1.1\r\nHost: a\r\n\r\n" % (9100 + number))
        assert all(client.recv(65536).startswith(b"HTTP/1.1 503 ") for client in clients)
    assert 10 <= len(lines(instance)) <= asked / 2  # most of them came within two seconds
    suppressed = asked - len(lines(instance))

    def of_another_second():
        with locked(given):
            exchange(instance.address, [b"GET /products/9999 HTTP/1.1\r\nHost: a\r\n\r\n"])
        return sum(line.get("suppressed", 0) for line in lines(instance)) >= suppressed

    wait_until(of_another_second)


@pytest.fixture
def large(given):
    """Paths of a document of some MB, for either path."""
    with probes.query(given["DATABASE_URL"]) as cursor:
        cursor.execute(
            "INSERT INTO styles VALUES (4000, 60, 'Style', 10, NULL, true) ON CONFLICT DO NOTHING;"
            "INSERT INTO photos SELECT n, 4000, repeat('u', 400), repeat('t', 400) FROM generate_series(4001, 14000) n"
            " ON CONFLICT DO NOTHING"
        )
    return "/products/60/styles", "/products/60/styles?"


@pytest.mark.parametrize("is_taken", [True, False])
@pytest.mark.parametrize("path_number", [0, 1])
def test_a_response_that_waited_for_its_client_is_a_line(instance, ask, large, path_number, is_taken):
    first_line = f"GET {large[path_number]} HTTP/1.1"
    ask(first_line)[0].makefile("rb").read(1 << 20)  # in the cache
    client, own_id = ask(first_line, receive_buffer=4096)
    client.recv(1)
    time.sleep(SLOW_SECONDS * 1.5)
    if is_taken:
        client.makefile("rb").read(8_000_000)
    client.close()

    def found():
        return [line for line in lines(instance) if line["request_id"] == own_id and "write_seconds" in line]

    wait_until(found)
    (line,) = found()
    assert line["message"] == ("a response was taken late" if is_taken else "a response was not taken")
    assert (line["endpoint"], line["method"], line["status"]) == ("/products/<product_id>/styles", "GET", 200)
    assert line["trace_id"] == TRACE
    assert SLOW_SECONDS < line["write_seconds"] < 5


def test_fast_requests_leave_no_line(instance, ask):
    before = len(lines(instance))
    for first_line in ("GET /products/1", "GET /products/1?", "GET /products?count=1", "GET /products/0", "GET /livez"):
        for _ in range(10):
            ask(f"{first_line} HTTP/1.1")[0].recv(65536)
    slow = lines(instance)[before:]  # as a busy machine makes some
    assert len(slow) < 25
    assert all(line.get("seconds", line.get("write_seconds")) >= SLOW_SECONDS for line in slow)
