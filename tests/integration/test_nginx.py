import contextlib
import http.client
import json
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest

from deploy.local.servers import Nginx
from tests.integration.requests import OF_A_BROWSER, ask, ask_raw, assert_problem
from tests.integration.upstream import Upstream, die, product, serving

Start = Callable[..., Nginx]

TRACE = "0af7651916cd43dd8448eb211c80319c"
NO_TRACES = [
    f"01-{TRACE}-b7ad6b7169203331-01",
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE.upper()}-b7ad6b7169203331-01",
    f"00-{TRACE}-b7ad6b7169203331-01-more",
    f"00-{TRACE}-b7ad6b7169203331",
    f"00-{TRACE}-b7ad6b7169203331-0g",
    'a "quote"',
]


@pytest.mark.parametrize("settings", [{}, {"micro_cache": True, "nginx_access_log": "off"}])
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

    def test_instances_at_sockets_and_ports_stand_in_for_each_other(self, nginx_server: Start) -> None:
        with serving(Upstream()) as healthy:
            nginx = nginx_server("unix:/nowhere/web.sock", healthy.address)
            assert [ask(nginx, "/cart", method, b"{}").status for method in ("GET", "POST") * 5] == [200] * 10

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

    @pytest.mark.parametrize("path", ["/products/1", "/products", "/cart"])
    def test_a_valid_traceparent_reaches_the_instances(self, nginx: Nginx, upstream: Upstream, path: str) -> None:
        given = f"00-{TRACE}-b7ad6b7169203331-01"
        ask(nginx, path, traceparent=given)
        assert upstream.requests[-1][2]["traceparent"] == given

    @pytest.mark.parametrize("path", ["/products/1", "/products", "/cart"])
    @pytest.mark.parametrize("given", NO_TRACES)
    def test_any_other_does_not(self, nginx: Nginx, upstream: Upstream, path: str, given: str) -> None:
        ask(nginx, path, traceparent=given)
        assert "traceparent" not in upstream.requests[-1][2]

    @pytest.mark.parametrize("micro_cache", [True, False])
    @pytest.mark.parametrize(
        "path", ["/products/1", "/products/2147483647/styles", "/products/3/related/", "/products/3/page"]
    )
    def test_a_read_of_a_document_comes_with_what_can_change_its_answer(
        self, nginx_server: Start, upstream: Upstream, path: str, micro_cache: bool
    ) -> None:
        nginx = nginx_server(upstream.address, micro_cache=micro_cache)
        for _ in range(10):  # cold and hot
            ask(nginx, path, "GET", None, **OF_A_BROWSER, X_Request_Id="abc-123_X.z", If_None_Match='"other", "one"')
        assert all(headers == {
            "Host": "shop.example",
            "X-Request-Id": "abc-123_X.z",
            "traceparent": OF_A_BROWSER["traceparent"],
            "If-None-Match": '"other", "one"',
            "Accept-Encoding": "gzip, br",
            "Origin": "http://shop.example",
            "body": "",
        } for _, _, headers in upstream.requests)  # fmt: skip

    @pytest.mark.parametrize(
        "path",
        [
            "/products",
            "/products?ids=1",
            "/products/0",
            "/products/01",
            "/products/1/style",
            "/products/1/pages",
            "/cart",
        ],
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


def test_the_access_log_is_json_without_queries_and_cookies(nginx_server: Start, upstream: Upstream) -> None:
    nginx = nginx_server(upstream.address)
    ask(nginx, "/products/1?token=hidden", X_Request_Id="id-of-this", Cookie="cart=hidden")
    ask(nginx, "/products/1", X_Request_Id="id-of-trace", traceparent=f"00-{TRACE}-b7ad6b7169203331-00")
    ask(nginx, "/products/1", X_Request_Id="id-of-none", traceparent=NO_TRACES[0])
    ask(nginx, "/a%22b", "POST", b"x" * 20000)
    nginx.stop()
    text = (nginx.prefix / "access.log").read_text()
    assert "hidden" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    first = next(line for line in lines if line["request_id"] == "id-of-this")
    assert (first["method"], first["path"], first["status"], first["x_cache"]) == ("GET", "/products/1", 200, "miss")
    assert (first["upstream"], first["upstream_status"]) == (upstream.address, "200")
    traces = {line["request_id"]: line["trace_id"] for line in lines}
    assert (traces["id-of-this"], traces["id-of-trace"], traces["id-of-none"]) == ("", TRACE, "")
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
