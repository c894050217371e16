import contextlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from deploy.local.servers import Nginx
from tests.integration.upstream import FRESH, Upstream, die, product, serving

Start = Callable[..., Nginx]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with serving(Upstream()) as running:
        yield running


@pytest.fixture
def nginx(nginx_server: Start, upstream: Upstream) -> Nginx:
    return nginx_server(upstream.address)


OF_A_BROWSER = {
    "Host": "shop.example",
    "User_Agent": "Mozilla/5.0",
    "Accept": "application/json",
    "Accept_Language": "en",
    "Accept_Encoding": "gzip, br",
    "Cookie": "cart=of-one",
    "Authorization": "Basic YTpi",
    "Origin": "http://shop.example",
    "Referer": "http://shop.example/",
    "If_Modified_Since": "Sun, 22 Nov 2026 00:00:00 GMT",
    "X_Forwarded_For": "10.0.0.1",
    "Traceparent": "00-1-2-00",
}


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def ask(nginx: Nginx, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
    with contextlib.closing(http.client.HTTPConnection(nginx.address, timeout=15)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return Reply(connection.getresponse())


def ask_raw(nginx: Nginx, request: bytes) -> Reply:
    host, port = nginx.address.split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Reply(response)


def assert_problem(reply: Reply, status: int, code: str, instance: str) -> None:
    assert reply.status == status
    problem = json.loads(reply.body)
    assert list(problem) == ["type", "title", "status", "detail", "instance"]
    assert (problem["type"], problem["status"], problem["instance"]) == (f"/docs#{code}", status, instance)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Cache-Control"] == "no-store"
    assert len(reply.headers.get_all("X-Request-Id")) == 1


def stored_files(nginx: Nginx) -> list[Path]:
    return [path for path in nginx.prefix.joinpath("micro_cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("settings", [{}, {"micro_cache": False, "nginx_access_log": "off"}])
def test_the_configuration_is_accepted_without_a_warning(nginx_server: Start, settings: dict[str, object]) -> None:
    nginx = nginx_server("127.0.0.1:9", "127.0.0.1:10", **settings)
    command = [nginx.program, "-t", "-p", nginx.prefix, "-c", nginx.configuration, "-e", "stderr"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=nginx.environ)
    assert "[" not in checked.stderr
    assert "[warn]" not in nginx.log_tail()
    assert "[emerg]" not in nginx.log_tail()


def test_connections_to_an_instance_are_kept(nginx: Nginx, upstream: Upstream) -> None:
    upstream.connections = 0
    with contextlib.closing(http.client.HTTPConnection(nginx.address, timeout=5)) as connection:
        for number in range(200):
            connection.request("GET", f"/cart?{number}")
            connection.getresponse().read()
    assert len(upstream.requests) == 200
    assert upstream.connections <= 1


def test_connections_of_many_clients_are_kept_too(nginx: Nginx, upstream: Upstream) -> None:
    upstream.connections = 0
    for number in range(200):
        assert ask(nginx, f"/cart?{number}").status == 200
    assert upstream.connections <= 8  # each nginx worker keeps its own


class TestNextInstance:
    def test_a_get_goes_to_another_instance_if_the_first_dies_in_it(self, nginx_server: Start) -> None:
        with serving(Upstream(answer=die)) as dying, serving(Upstream()) as healthy:
            nginx = nginx_server(dying.address, healthy.address)
            assert [ask(nginx, "/cart").status for _ in range(100)] == [200] * 100
            assert 1 <= len(dying.requests) <= 10  # then it is left alone for a while

    def test_a_post_is_never_sent_twice(self, nginx_server: Start) -> None:
        with serving(Upstream(answer=die)) as one, serving(Upstream(answer=die)) as two:
            nginx = nginx_server(one.address, two.address)
            assert_problem(ask(nginx, "/cart", "POST", b"{}"), 503, "unavailable", "/cart")
            assert len([*one.requests, *two.requests]) == 1

    def test_a_post_to_an_instance_that_is_gone_goes_to_another(self, nginx_server: Start, free_port) -> None:
        with serving(Upstream()) as healthy:
            nginx = nginx_server(f"127.0.0.1:{free_port('gone')}", healthy.address)
            assert [ask(nginx, "/cart", "POST", b"{}").status for _ in range(10)] == [200] * 10

    def test_an_instance_that_came_back_is_used_again_soon(self, nginx_server: Start, free_port) -> None:
        port = free_port("comes back")
        nginx = nginx_server(f"127.0.0.1:{port}")
        reply = ask(nginx, "/cart")
        assert_problem(reply, 503, "unavailable", "/cart")
        assert reply.headers["Retry-After"] == "1"
        with serving(Upstream(port)):
            deadline = time.monotonic() + 3
            while ask(nginx, "/cart").status != 200:
                assert time.monotonic() < deadline


class TestProblems:
    def test_malformed(self, nginx: Nginx) -> None:
        assert_problem(
            ask_raw(nginx, b"GET /products/1 HTTP/1.1\r\nHost: a\r\nHost b\r\n\x00\r\n\r\n"),
            400,
            "malformed",
            "/products/1",
        )

    def test_no_http(self, nginx: Nginx) -> None:
        assert_problem(ask_raw(nginx, b"\x16\x03\x01\r\n\r\n"), 400, "malformed", "")

    @pytest.mark.parametrize(
        "request_",
        [b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", b"POST /cart HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd\r\n\r\n"],
    )
    def test_what_nginx_does_not_speak(self, nginx: Nginx, request_: bytes) -> None:
        reply = ask_raw(nginx, request_)
        assert (reply.status, json.loads(reply.body)["type"]) == (400, "/docs#malformed")

    @pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "A", "get"])
    def test_method(self, nginx: Nginx, upstream: Upstream, method: str) -> None:
        reply = ask_raw(nginx, f"{method} /products HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        if method == "get":
            assert_problem(reply, 400, "malformed", "")
        else:
            assert_problem(reply, 405, "method-not-allowed", "/products")
            assert "GET" in reply.headers["Allow"]
        assert upstream.requests == []

    def test_body(self, nginx: Nginx, upstream: Upstream) -> None:
        assert_problem(ask(nginx, "/cart", "POST", b"x" * 16385), 413, "too-large", "/cart")
        assert ask(nginx, "/cart", "POST", b"x" * 16384).status == 200
        assert len(upstream.requests) == 1

    def test_chunked_body(self, nginx: Nginx, upstream: Upstream) -> None:
        head = b"POST /cart HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert_problem(ask_raw(nginx, head + b"5000\r\n" + b"x" * 0x5000 + b"\r\n0\r\n\r\n"), 413, "too-large", "/cart")
        assert ask_raw(nginx, head + b"3\r\nabc\r\n0\r\n\r\n").status == 200
        assert [headers["body"] for _, _, headers in upstream.requests] == ["abc"]

    def test_address(self, nginx: Nginx) -> None:
        assert_problem(ask(nginx, "/" + "x" * 5000), 414, "uri-too-long", "")

    def test_headers(self, nginx: Nginx) -> None:
        assert_problem(ask(nginx, "/products", X_Long="x" * 5000), 431, "headers-too-large", "/products")

    @pytest.mark.parametrize("path", ["/a%22,%22b", "/a?b=%22", "/x/../y"])
    def test_instance_is_the_path_without_the_query(self, nginx_server: Start, path: str) -> None:
        assert_problem(ask(nginx_server("127.0.0.1:9"), path), 503, "unavailable", path.partition("?")[0])

    @pytest.mark.parametrize("path", ["/caf\xe9", "/products?name=caf\xc3\xa9"])
    def test_an_address_with_bytes_that_had_to_be_escaped(self, nginx: Nginx, upstream: Upstream, path: str) -> None:
        reply = ask_raw(nginx, f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"))
        assert_problem(reply, 400, "malformed", "/products" if "products" in path else "")
        assert ask(nginx, "/caf%C3%A9").status == 200
        assert len(upstream.requests) == 1

    def test_expectations_are_met_here(self, nginx: Nginx, upstream: Upstream) -> None:
        assert ask(nginx, "/cart", "POST", b"abc", Expect="200-ok").status == 200
        assert "Expect" not in upstream.requests[-1][2]

    @pytest.mark.parametrize("path", ['/a"b', "/a\\b", '/","status":200,"x":"'])
    def test_instance_is_empty_rather_than_unsafe(self, nginx_server: Start, path: str) -> None:
        reply = ask_raw(nginx_server("127.0.0.1:9"), f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"))
        assert_problem(reply, 503, "unavailable", "")

    def test_head_has_no_body(self, nginx_server: Start) -> None:
        reply = ask(nginx_server("127.0.0.1:9"), "/products/1", "HEAD")
        assert (reply.status, reply.body) == (503, b"")

    def test_the_answers_of_an_instance_pass_untouched(self, nginx: Nginx, upstream: Upstream) -> None:
        upstream.answer = lambda request: (503, {"Content-Type": "application/problem+json", "Retry-After": "7"}, b"{}")
        reply = ask(nginx, "/products/1")
        assert (reply.status, reply.body, reply.headers["Retry-After"]) == (503, b"{}", "7")
        assert "Access-Control-Allow-Origin" not in reply.headers

    def test_the_problem_pages_have_no_address(self, nginx: Nginx) -> None:
        assert_problem(ask(nginx, "/problem/503"), 404, "not-found", "/problem/503")


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "/metrics/x",
        "//metrics",
        "/%6detrics",
        "/%6Detrics%2F",
        "/x/../metrics",
        "/./metrics?a=b",
    ],
)
def test_metrics_are_closed(nginx: Nginx, upstream: Upstream, path: str) -> None:
    for request in (f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n", f"GET http://a{path} HTTP/1.1\r\nHost: a\r\n\r\n"):
        assert_problem(ask_raw(nginx, request.encode()), 404, "not-found", path.partition("?")[0])
    assert upstream.requests == []


class TestHeaders:
    def test_a_safe_request_id_is_taken_over(self, nginx: Nginx, upstream: Upstream) -> None:
        reply = ask(nginx, "/cart", X_Request_Id="abc-123_X.z")
        assert reply.headers.get_all("X-Request-Id") == ["abc-123_X.z"]
        assert upstream.requests[-1][2]["X-Request-Id"] == "abc-123_X.z"

    @pytest.mark.parametrize("unsafe", ["short", "x" * 65, 'quote"quote', "two words"])
    def test_any_other_request_id_is_replaced(self, nginx: Nginx, upstream: Upstream, unsafe: str) -> None:
        reply = ask(nginx, "/cart", X_Request_Id=unsafe)
        (given,) = reply.headers.get_all("X-Request-Id")
        assert len(given) == 32
        assert upstream.requests[-1][2]["X-Request-Id"] == given

    def test_what_a_client_says_about_itself_is_replaced(self, nginx: Nginx, upstream: Upstream) -> None:
        ask(nginx, "/cart", Host="shop.example:81", X_Forwarded_For="1.2.3.4", X_Forwarded_Proto="https")
        headers = upstream.requests[-1][2]
        assert headers["Host"] == "shop.example:81"
        assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
        assert "Connection" not in headers

    @pytest.mark.parametrize("micro_cache", [True, False])
    @pytest.mark.parametrize("path", ["/products/1", "/products/2147483647/styles", "/products/3/related"])
    def test_a_read_of_a_document_comes_with_what_can_change_its_answer(
        self, nginx_server: Start, upstream: Upstream, path: str, micro_cache: bool
    ) -> None:
        nginx = nginx_server(upstream.address, micro_cache=micro_cache)
        for _ in range(10):  # cold and hot
            ask(nginx, path, "GET", None, **OF_A_BROWSER, X_Request_Id="abc-123_X.z", If_None_Match='"other", "one"')
        assert all(headers == {
            "Host": "shop.example",
            "X-Request-Id": "abc-123_X.z",
            "X-Forwarded-Proto": "http",
            "If-None-Match": '"other", "one"',
            "Accept-Encoding": "gzip, br",
            "Origin": "http://shop.example",
            "body": "",
        } for _, _, headers in upstream.requests)  # fmt: skip

    @pytest.mark.parametrize(
        "path",
        ["/products", "/products?ids=1", "/products/0", "/products/01", "/products/1/", "/products/1/style", "/cart"],
    )
    def test_all_else_comes_with_what_the_client_said(self, nginx: Nginx, upstream: Upstream, path: str) -> None:
        ask(nginx, path, **OF_A_BROWSER)
        headers = upstream.requests[-1][2]
        ours = {"X-Request-Id", "X-Forwarded-For", "X-Forwarded-Proto", "body"}
        assert {name: value for name, value in headers.items() if name not in ours} == {
            name.replace("_", "-"): value for name, value in OF_A_BROWSER.items() if name not in ("X_Forwarded_For")
        }
        assert headers["X-Forwarded-For"] == "127.0.0.1"

    def test_a_preflight_comes_whole(self, nginx: Nginx, upstream: Upstream) -> None:
        asked = {"Origin": "http://a", "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"}
        for path in ("/products/1", "/cart"):
            ask(nginx, path, "OPTIONS", **{name.replace("-", "_"): value for name, value in asked.items()})
            assert asked.items() <= upstream.requests[-1][2].items()

    def test_a_body_comes_with_its_length_wherever_it_is_sent(self, nginx: Nginx, upstream: Upstream) -> None:
        ask(nginx, "/products/1", "POST", b"hello", Content_Type="text/plain")
        chunked = b"PUT /products/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        ask_raw(nginx, chunked)
        came = [(method, headers["Content-Length"], headers["body"]) for method, _, headers in upstream.requests]
        assert came == [("POST", "5", "hello"), ("PUT", "3", "abc")]

    def test_a_client_of_http_1_0_needs_no_host(self, nginx: Nginx, upstream: Upstream) -> None:
        assert ask_raw(nginx, b"GET /cart HTTP/1.0\r\n\r\n").status == 200
        assert upstream.requests[-1][2]["Host"] == "localhost"


class TestMicroCache:
    def test_the_long_tail_is_never_stored(self, nginx: Nginx, upstream: Upstream) -> None:
        for number in range(500):
            assert ask(nginx, f"/products/{number}").status == 200
        assert len(upstream.requests) == 500
        assert stored_files(nginx) == []

    def test_a_hot_key_is_answered_by_nginx(self, nginx: Nginx, upstream: Upstream) -> None:
        replies = [ask(nginx, "/products/1") for _ in range(50)]
        assert len(upstream.requests) <= 10
        assert {(reply.status, reply.body, reply.headers["ETag"]) for reply in replies} == {(200, b'{"id":1}', '"tag"')}
        assert len({tuple(reply.headers.get_all("X-Request-Id")) for reply in replies}) == 50
        assert replies[-1].headers["X-Micro-Cache"] == "hit"
        assert "X-Micro-Cache" not in replies[0].headers

    def test_what_it_answers_is_as_old_as_it_may_become_for_who_is_behind(self, nginx: Nginx) -> None:
        replies = [ask(nginx, "/products/1") for _ in range(20)] + [ask(nginx, "/products/1", If_None_Match='"tag"')]
        assert (replies[-1].status, replies[-1].headers["Cache-Control"]) == (304, "public, max-age=1")
        assert [reply.headers["Age"] for reply in replies] == [
            "1" if reply.headers["X-Micro-Cache"] else None for reply in replies
        ]
        assert replies[-1].headers["Age"] == "1"

    def test_it_forgets_within_two_seconds(self, nginx: Nginx, upstream: Upstream) -> None:
        heat(nginx, "/products/1")
        changed = asked = time.monotonic()
        upstream.answer = lambda request: (200, FRESH, b"new")
        while ask(nginx, "/products/1").body != b"new":
            assert asked < changed + 2
            asked = time.monotonic()

    def test_a_key_is_the_whole_address(self, nginx: Nginx, upstream: Upstream) -> None:
        upstream.answer = lambda request: (200, FRESH, request.path.encode() + request.headers["Host"].encode())
        for path in ("/products?page=1", "/products?page=2", "/products"):
            assert heat(nginx, path).body.startswith(path.encode())
        assert ask(nginx, "/products", Host="other").body == b"/productsother"

    def test_a_conditional_request_is_answered_from_it(self, nginx: Nginx, upstream: Upstream) -> None:
        cold = ask(nginx, "/products/1", If_None_Match='"tag"')
        heat(nginx, "/products/1")
        seen = len(upstream.requests)
        hot = ask(nginx, "/products/1", If_None_Match='"tag"')
        for reply in (cold, hot):
            assert (reply.status, reply.body, reply.headers["ETag"]) == (304, b"", '"tag"')
            assert reply.headers["Cache-Control"] == "public, max-age=1"
        assert ask(nginx, "/products/1", If_None_Match='"other"').status == 200
        assert len(upstream.requests) == seen

    def test_a_hot_conditional_request_still_stores_the_whole_answer(self, nginx: Nginx) -> None:
        for _ in range(20):
            assert ask(nginx, "/products/1", If_None_Match='"tag"').status == 304
        reply = ask(nginx, "/products/1")
        assert (reply.status, reply.body) == (200, b'{"id":1}')

    def test_a_conditional_request_renews_an_entry_for_all(self, nginx: Nginx, upstream: Upstream) -> None:
        heat(nginx, "/products/1")
        seen = len(upstream.requests)
        while len(upstream.requests) == seen:
            assert ask(nginx, "/products/1", If_None_Match='"tag"').status == 304
        assert "If-None-Match" not in upstream.requests[-1][2]
        reply = ask(nginx, "/products/1")
        assert (reply.body, reply.headers["X-Micro-Cache"]) == (b'{"id":1}', "hit")

    def test_nobody_waits_for_an_answer_that_is_not_stored(self, nginx: Nginx, upstream: Upstream) -> None:
        for _ in range(4):
            ask(nginx, "/products/1", If_None_Match='"tag"')
        upstream.answer = slow
        with ThreadPoolExecutor(4) as clients:
            seconds = list(clients.map(lambda _: seconds_of(nginx, If_None_Match='"tag"'), range(16)))
        assert max(seconds) < 0.4

    def test_head_has_the_headers_of_get(self, nginx: Nginx, upstream: Upstream) -> None:
        for _ in range(20):
            reply = ask(nginx, "/products/1", "HEAD")
            assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, "8", b"")
        assert ask(nginx, "/products/1").body == b'{"id":1}'

    @pytest.mark.parametrize(
        "headers",
        [{"Cache-Control": "no-store"}, {**FRESH, "Set-Cookie": "a=b"}, {}],
        ids=["no-store", "cookie", "silent"],
    )
    def test_what_may_not_be_shared_is_not_stored(self, nginx: Nginx, upstream: Upstream, headers: dict) -> None:
        upstream.answer = lambda request: (200, headers, b"private")
        heat(nginx, "/products/1")
        assert len(upstream.requests) == 20
        assert stored_files(nginx) == []

    def test_only_products_are_stored(self, nginx: Nginx, upstream: Upstream) -> None:
        heat(nginx, "/cart")
        assert len(upstream.requests) == 20

    def test_it_can_be_turned_off(self, nginx_server: Start, upstream: Upstream) -> None:
        nginx = nginx_server(upstream.address, micro_cache=False)
        heat(nginx, "/products/1")
        assert len(upstream.requests) == 20
        assert stored_files(nginx) == []

    def test_a_stale_answer_is_not_served_when_the_instances_are_gone(self, nginx_server: Start) -> None:
        with serving(Upstream()) as upstream:
            nginx = nginx_server(upstream.address)
            heat(nginx, "/products/1")
        gone = time.monotonic()
        while ask(nginx, "/products/1").status == 200:
            assert time.monotonic() < gone + 2.5


def slow(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
    time.sleep(0.05)
    return product(request)


def seconds_of(nginx: Nginx, **headers: str) -> float:
    began = time.monotonic()
    assert ask(nginx, "/products/1", **headers).status == 304
    return time.monotonic() - began


def heat(nginx: Nginx, path: str) -> Reply:
    return [ask(nginx, path) for _ in range(20)][-1]


def test_the_access_log_is_json_without_queries_and_cookies(nginx_server: Start, upstream: Upstream) -> None:
    nginx = nginx_server(upstream.address)
    ask(nginx, "/products/1?token=hidden", X_Request_Id="id-of-this", Cookie="cart=hidden")
    ask(nginx, "/a%22b", "POST", b"x" * 20000)
    nginx.stop()
    text = (nginx.prefix / "access.log").read_text()
    assert "hidden" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    first = next(line for line in lines if line["request_id"] == "id-of-this")
    assert (first["method"], first["path"], first["status"], first["x_cache"]) == ("GET", "/products/1", 200, "miss")
    assert first["upstream"] == upstream.address
    assert ("POST", "/a%22b", 413) in {(line["method"], line["path"], line["status"]) for line in lines}


def test_a_slow_body_does_not_reach_an_instance(nginx: Nginx, upstream: Upstream) -> None:
    host, port = nginx.address.split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(b"POST /cart HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        assert ask(nginx, "/cart").status == 200
    assert [method for method, _, _ in upstream.requests] == ["GET"]


def test_a_hanging_instance_is_left_for_another(nginx_server: Start) -> None:
    def hang(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        request.connection.settimeout(20)
        request.connection.recv(1)  # until nginx gives up
        return product(request)

    with serving(Upstream(answer=hang)) as hanging, serving(Upstream()) as healthy:
        nginx = nginx_server(hanging.address, healthy.address)
        started = time.monotonic()
        with ThreadPoolExecutor(8) as clients:
            assert {reply.status for reply in clients.map(lambda _: ask(nginx, "/cart"), range(40))} == {200}
        assert hanging.requests
        assert time.monotonic() - started < 8
