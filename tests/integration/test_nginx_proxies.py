"""nginx behind a balancer, and as the end of TLS itself."""

import http.client
import socket
import ssl
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from deploy.local.servers import Nginx
from tests.integration.requests import ask, ask_raw, assert_problem
from tests.integration.upstream import Upstream

Start = Callable[..., Nginx]


@pytest.mark.parametrize("trusted", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8", "::1,127.0.0.1/8,127.0.0.1"])
@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_trusted_proxy_says_who_came_and_how(
    nginx_server: Start, upstream: Upstream, trusted: str, scheme: str
) -> None:
    nginx = nginx_server(upstream.address, trusted_proxies=trusted)
    ask(nginx, "/cart", X_Forwarded_For="1.2.3.4, 203.0.113.9", X_Forwarded_Proto=scheme)
    headers = upstream.requests[-1][2]
    assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("203.0.113.9", scheme)


@pytest.mark.parametrize("trusted", ["", "10.0.0.0/8,::1"])
def test_nobody_else_does(nginx_server: Start, upstream: Upstream, trusted: str) -> None:
    nginx = nginx_server(upstream.address, trusted_proxies=trusted)
    ask(nginx, "/cart", X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="https")
    headers = upstream.requests[-1][2]
    assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "http")


def test_a_trusted_proxy_that_says_nothing_or_nonsense_changes_nothing(nginx_server: Start, upstream: Upstream) -> None:
    nginx = nginx_server(upstream.address, trusted_proxies="127.0.0.1")
    ask(nginx, "/cart")
    ask(nginx, "/cart", X_Forwarded_For="unknown", X_Forwarded_Proto="gopher, https")
    for _, _, headers in upstream.requests:
        assert (headers["X-Forwarded-For"], headers["X-Forwarded-Proto"]) == ("127.0.0.1", "http")


@pytest.fixture
def tls(nginx_server: Start, upstream: Upstream, certificate: tuple[Path, Path], free_port) -> Nginx:
    listen = f"127.0.0.1:{free_port('tls')}"
    files = {"tls_certificate": str(certificate[0]), "tls_key": str(certificate[1])}
    return nginx_server(upstream.address, listen_tls=listen, **files)


def connected(nginx: Nginx, certificate: tuple[Path, Path], *protocols: str, **limits: object) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.set_alpn_protocols(protocols)
    for name, value in limits.items():
        setattr(context, name, value)
    host, port = str(nginx.values["LISTEN_TLS"]).split(":")
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=10), server_hostname=host)


def test_https_is_answered_as_http_is(tls: Nginx, upstream: Upstream, certificate: tuple[Path, Path]) -> None:
    host, port = str(tls.values["LISTEN_TLS"]).split(":")
    context = ssl.create_default_context(cafile=str(certificate[0]))
    with closing(http.client.HTTPSConnection(host, int(port), timeout=10, context=context)) as connection:
        for path in ("/products/1", "/cart"):
            connection.request("GET", path, headers={"X-Forwarded-Proto": "http"})
            reply = connection.getresponse()
            assert (reply.status, reply.read()) == (200, b'{"id":1}')
    assert upstream.requests[-1][2]["X-Forwarded-Proto"] == "https"
    ask(tls, "/cart")
    assert upstream.requests[-1][2]["X-Forwarded-Proto"] == "http"


def test_http_2_is_spoken(tls: Nginx, upstream: Upstream, certificate: tuple[Path, Path]) -> None:
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
    # HEADERS of stream 1, its end: GET, https, /cart as a literal, the authority as a literal.
    block = b"\x82\x87\x04\x05/cart\x01\x04shop"
    request = len(block).to_bytes(3, "big") + b"\x01\x05" + (1).to_bytes(4, "big") + block
    with connected(tls, certificate, "h2", "http/1.1") as client:
        assert client.selected_alpn_protocol() == "h2"
        client.sendall(preface + request)
        received = b""
        while b'{"id":1}' not in received:
            data = client.recv(65536)
            assert data
            received += data
    method, path, headers = upstream.requests[-1]
    assert (method, path, headers["Host"], headers["X-Forwarded-Proto"]) == ("GET", "/cart", "shop", "https")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_that_are_safe_are_spoken(tls: Nginx, certificate: tuple[Path, Path], version) -> None:
    with connected(tls, certificate, "http/1.1", minimum_version=version, maximum_version=version) as client:
        assert client.version() in ("TLSv1.2", "TLSv1.3")
        assert client.cipher()[0].startswith(("TLS_", "ECDHE-"))


def test_older_versions_are_refused(tls: Nginx) -> None:
    host, port = str(tls.values["LISTEN_TLS"]).split(":")
    hello = bytes.fromhex("16030100350100003103010000000000000000000000000000000000000000000000000000000000000000")
    hello += bytes.fromhex("00000ac013c014002f0035000a0100")
    hello = (
        hello[:3] + (len(hello) - 5).to_bytes(2, "big") + hello[5:6] + (len(hello) - 9).to_bytes(3, "big") + hello[9:]
    )
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(hello)
        assert client.recv(7)[:1] in (b"\x15", b"")  # an alert, never a ServerHello


def test_plain_http_to_the_tls_port_is_a_problem(tls: Nginx) -> None:
    tls.address = str(tls.values["LISTEN_TLS"])
    assert_problem(ask_raw(tls, b"GET /cart HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "malformed", "/cart")


def test_the_configuration_is_clean(tls: Nginx) -> None:
    command = [tls.program, "-t", "-p", tls.prefix, "-c", tls.configuration, "-e", "stderr"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=tls.environ)
    assert "[" not in checked.stderr
