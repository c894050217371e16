import json
from collections.abc import Callable

import pytest

from deploy.local.servers import Nginx
from tests.integration.requests import ask, ask_raw, assert_problem
from tests.integration.upstream import Upstream


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
    def test_instance_is_the_path_without_the_query(self, nginx_server: Callable[..., Nginx], path: str) -> None:
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
    def test_instance_is_empty_rather_than_unsafe(self, nginx_server: Callable[..., Nginx], path: str) -> None:
        reply = ask_raw(nginx_server("127.0.0.1:9"), f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"))
        assert_problem(reply, 503, "unavailable", "")

    def test_head_has_no_body(self, nginx_server: Callable[..., Nginx]) -> None:
        reply = ask(nginx_server("127.0.0.1:9"), "/products/1", "HEAD")
        assert (reply.status, reply.body) == (503, b"")

    def test_the_answers_of_an_instance_pass_untouched(self, nginx: Nginx, upstream: Upstream) -> None:
        upstream.answer = lambda request: (503, {"Content-Type": "application/problem+json", "Retry-After": "7"}, b"{}")
        reply = ask(nginx, "/products/1")
        assert (reply.status, reply.body, reply.headers["Retry-After"]) == (503, b"{}", "7")
        assert "Access-Control-Allow-Origin" not in reply.headers

    def test_the_problem_pages_have_no_address(self, nginx: Nginx) -> None:
        assert_problem(ask(nginx, "/problem/503"), 404, "not-found", "/problem/503")
