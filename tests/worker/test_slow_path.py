"""The way of requests that the fast path does not match: no client holds a thread for long, no refusal is in HTML."""

import json
import signal
import socket
import time
from contextlib import ExitStack, contextmanager

import pytest

from deploy.local import probes
from tests.chaos.waits import wait_until

LIST = b"GET /products?count=1 HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n"


@pytest.fixture(scope="module")
def instance(launch):
    return launch(THREADS="1")


@contextmanager
def connected(instance, count=1):
    host, _, port = instance.address.rpartition(":")
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection((host, int(port)), 20)) for _ in range(count)]


def received(client):
    """All that is sent until the other side ends the connection."""
    with client.makefile("rb") as stream:
        return stream.read()


def status(client, request):
    client.sendall(request)
    return int(client.recv(65536).split()[1])


@pytest.mark.parametrize(
    ("raw", "expected", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "malformed"),
        (b"GET /products/1 HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", 400, "malformed"),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", 414, "uri-too-long"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417, "expectation-failed"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nLong: " + b"x" * 9000 + b"\r\n\r\n", 431, "headers-too-large"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd\r\n\r\n", 501, "unsupported-transfer-coding"),
    ],
)
def test_what_cannot_be_parsed_is_answered_with_a_problem_and_the_connection_ends(instance, raw, expected, code):
    with connected(instance) as (client,):
        client.sendall(raw)
        head, _, body = received(client).partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == (f"/docs#{code}", expected)
    assert head.startswith(b"HTTP/1.1 %d " % expected)
    lines = head.split(b"\r\n")
    assert {b"Content-Type: application/problem+json", b"Connection: close"} <= set(lines)
    assert any(line.startswith(b"X-Request-Id: ") for line in lines)


@pytest.mark.parametrize("chunk", [b"x\r\n{}\r\n", b"2\r\n{}xx", b"2;\ra\r\n{}\r\n"])
def test_a_body_with_malformed_chunks_is_a_problem_and_what_follows_is_no_request(instance, chunk):
    head = POST.replace(b"Content-Length: 12", b"Transfer-Encoding: chunked")
    with connected(instance) as (client,):
        client.sendall(head + chunk + b"0\r\n\r\n" + LIST)
        answer = received(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"type":"/docs#malformed"' in answer
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_body_that_stalls_or_drips_is_given_up_with_a_problem_and_frees_its_thread(instance):
    with connected(instance, 2) as (dripping, other):
        began = time.monotonic()
        dripping.sendall(POST)
        other.sendall(LIST)  # the only thread is reading the body
        for _ in range(9):
            dripping.sendall(b" ")
            time.sleep(0.3)
        assert b"408 REQUEST TIMEOUT" in received(dripping)
        assert other.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert 4 < time.monotonic() - began < 7


def test_a_client_that_does_not_read_its_response_holds_no_thread(instance, given):
    with probes.query(given["DATABASE_URL"]) as cursor:
        cursor.execute(
            "INSERT INTO styles VALUES (4000, 60, 'Style', 10, NULL, true);"
            "INSERT INTO photos SELECT n, 4000, repeat('u', 400), repeat('t', 400) FROM generate_series(4001, 14000) n"
        )
    with connected(instance, 2) as (slow, other):
        slow.sendall(b"GET /products/60/styles? HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert slow.recv(1) == b"H"
        assert [status(other, LIST) for _ in range(20)] == [200] * 20
        assert len(received(slow)) > 8_000_000


def test_what_is_sent_behind_a_last_request_does_not_take_the_response_away(instance):
    for _ in range(20):
        with connected(instance) as (client,):
            client.sendall(b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\nConnection: close\r\n\r\n")
            client.sendall(b"x" * 200_000)
            assert received(client).startswith(b"HTTP/1.1 404 ")


def test_100_continue_is_sent_before_the_body_is(instance):
    with connected(instance) as (client,):
        client.sendall(POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert status(client, b'{"sku_id":1}') == 201


def test_a_worker_that_has_answered_its_most_requests_is_replaced_without_a_failure(launch):
    instance = launch("--max-requests 100", COVERAGE_PROCESS_CONFIG="")
    first, statuses = instance.children(), []
    while len(statuses) < 300 or instance.children() == first:
        with connected(instance) as (client,):
            statuses.append(
                status(client, LIST if len(statuses) % 2 else b"GET /products/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            )
    assert set(statuses) == {200}


def test_sigquit_ends_it_though_a_thread_waits_for_a_client(launch):
    instance = launch(COVERAGE_PROCESS_CONFIG="")
    with connected(instance) as (client,):
        client.sendall(POST)
        began = time.monotonic()
        instance.process.send_signal(signal.SIGQUIT)
        wait_until(lambda: instance.process.poll() is not None)
        assert time.monotonic() - began < 7
