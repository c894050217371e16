"""What nginx passes on to the old API, and below which prefix it is found."""

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from deploy.local.servers import Nginx
from tests.integration.requests import ask, ask_raw, assert_problem
from tests.integration.upstream import Answer, Upstream, die, product, serving

Start = Callable[..., Nginx]
BASE = "/api/fec2/hr-rfp"


@pytest.fixture
def old() -> Iterator[Upstream]:
    with serving(Upstream(answer=lambda request: (200, {"Server-Of": "old"}, request.path.encode()))) as running:
        yield running


@pytest.fixture
def both(nginx_server: Start, upstream: Upstream, old: Upstream) -> Nginx:
    return nginx_server(upstream.address, old_api=f"http://{old.address}/old/")


OURS = ["/products", "/products?page=2", "/products/1", "/products/1/styles", "/products/1/related", "/products/x/y",
        "/cart", "/cart/3", "/cart/lines", "/livez", "/readyz", "/openapi.json", "/docs", "/docs/docs.css"]  # fmt: skip
THEIRS = ["/", "/reviews/?product_id=1&x=%41", "/qa/questions/1/answers", "/carts", "/docsx", "/a%2Fb//c?d=/e",
          "/livezz", "/interactions", "/demo/1"]  # fmt: skip


@pytest.mark.parametrize("base", ["", BASE])
def test_every_path_goes_where_it_belongs(nginx_server: Start, upstream: Upstream, old: Upstream, base: str) -> None:
    settings = {"base_path": base + "/", "old_api": f"http://{old.address}/old/"}
    nginx = nginx_server(upstream.address, **settings)
    for prefix in {base, ""}:
        assert [ask(nginx, prefix + path).status for path in OURS + THEIRS] == [200] * len(OURS + THEIRS)
        assert [path for _, path, _ in upstream.requests] == OURS
        assert [path for _, path, _ in old.requests] == ["/old" + path for path in THEIRS]
        upstream.requests.clear()
        old.requests.clear()


@pytest.mark.parametrize("base", ["", BASE])
def test_the_demo_is_ours_where_it_is_on(nginx_server: Start, upstream: Upstream, old: Upstream, base: str) -> None:
    nginx = nginx_server(upstream.address, base_path=base + "/", old_api=f"http://{old.address}", demo=True)
    for path in ("/demo/1", "/demo/demo.js", "/demo", "/demos/1"):
        assert ask(nginx, base + path).status == 200
    assert [path for _, path, _ in upstream.requests] == ["/demo/1", "/demo/demo.js"]
    assert [path for _, path, _ in old.requests] == ["/demo", "/demos/1"]


def test_it_gets_what_the_client_said(both: Nginx, old: Upstream) -> None:
    sent = {"Authorization": "secret", "Content_Type": "application/json", "Accept": "text/html", "Cookie": "theirs=1"}
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(both, "/reviews", method, b"{}", **sent).status == 200
    method, path, headers = old.requests[-1]
    assert (method, path, headers["body"]) == ("OPTIONS", "/old/reviews", "{}")
    assert {
        name.replace("-", "_"): headers[name] for name in ("Authorization", "Content-Type", "Accept", "Cookie")
    } == sent
    assert headers["Host"] == old.address
    assert headers["X-Forwarded-For"] == "127.0.0.1"


def test_its_answers_pass_untouched(both: Nginx, old: Upstream) -> None:
    for status in (201, 302, 404, 422, 500, 503):
        old.answer = lambda request, status=status: (status, {"Location": "/x", "Content-Type": "text/html"}, b"<b>")
        reply = ask(both, "/reviews")
        assert (reply.status, reply.body, reply.headers["Location"]) == (status, b"<b>", "/x")
        assert reply.headers["Content-Type"] == "text/html"


def test_a_body_may_be_larger_than_one_of_ours(both: Nginx, old: Upstream) -> None:
    assert ask(both, "/reviews", "POST", b"x" * 100_000).status == 200
    assert len(old.requests[-1][2]["body"]) == 100_000
    assert_problem(ask(both, "/reviews", "POST", b"x" * (2**20 + 1)), 413, "too-large", "/reviews")
    assert_problem(ask(both, "/cart", "POST", b"x" * 100_000), 413, "too-large", "/cart")


def test_its_failures_are_problems(nginx_server: Start, upstream: Upstream, free_port) -> None:
    gone = nginx_server(upstream.address, old_api=f"http://127.0.0.1:{free_port('old api')}")
    unknown = nginx_server(upstream.address, old_api="http://no-such-host.invalid")
    with serving(Upstream(answer=die)) as dying:
        for nginx in (
            gone,
            unknown,
            nginx_server(upstream.address, old_api=f"http://{dying.address}", micro_cache=True),
        ):
            reply = ask(nginx, "/reviews?product_id=1")
            assert_problem(reply, 503, "unavailable", "/reviews")
            assert reply.headers["Retry-After"] == "1"
            assert ask(nginx, "/products/1").status == 200


def test_over_https_its_certificate_must_be_trusted(
    nginx_server: Start,
    upstream: Upstream,
    old: Upstream,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    old.socket = context.wrap_socket(old.socket, server_side=True)
    stranger = nginx_server(upstream.address, old_api=f"https://{old.address}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    trusting = nginx_server(upstream.address, old_api=f"https://{old.address}/old")
    assert ask(trusting, "/reviews").headers["Server-Of"] == "old"
    assert_problem(ask(stranger, "/reviews"), 503, "unavailable", "/reviews")
    assert [path for _, path, _ in old.requests] == ["/old/reviews"]


def test_while_it_hangs_ours_go_on_and_more_of_its_are_refused_at_once(
    nginx_server: Start, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(request: BaseHTTPRequestHandler) -> Answer:
        request.connection.settimeout(20)
        request.connection.recv(1)  # until nginx gives up
        return product(request)

    with serving(Upstream(answer=hang)) as hanging, ThreadPoolExecutor(300) as clients:
        nginx = nginx_server(upstream.address, old_api=f"http://{hanging.address}")
        began = time.monotonic()
        waiting = [clients.submit(timed, nginx) for _ in range(290)]
        while len(hanging.requests) < 256:
            assert time.monotonic() < began + 9
        for _ in range(100):
            asked = time.monotonic()
            assert ask(nginx, "/products/1").status == 200
            assert time.monotonic() < asked + 1
        took = sorted(each.result() for each in waiting)
    assert len(hanging.requests) == 256
    assert took[290 - 256 - 1] < 5
    assert took[-1] < 15


def timed(nginx: Nginx) -> float:
    asked = time.monotonic()
    assert_problem(ask(nginx, "/reviews"), 503, "unavailable", "/reviews")
    return time.monotonic() - asked


class TestBasePath:
    @pytest.fixture
    def nginx(self, nginx_server: Start, upstream: Upstream) -> Nginx:
        return nginx_server(upstream.address, base_path=BASE)

    def test_instances_learn_of_it_and_clients_cannot_say_so(self, nginx: Nginx, upstream: Upstream) -> None:
        ask(nginx, BASE + "/products?page=2", X_Forwarded_Prefix="/evil")
        assert upstream.requests[-1][1] == "/products?page=2"
        assert upstream.requests[-1][2]["X-Forwarded-Prefix"] == BASE
        ask(nginx, "/products", X_Forwarded_Prefix="/evil")
        assert "X-Forwarded-Prefix" not in upstream.requests[-1][2]

    def test_a_problem_names_the_path_below_it(self, nginx: Nginx) -> None:
        assert_problem(ask(nginx, BASE + "/cart", "POST", b"x" * 20000), 413, "too-large", "/cart")
        assert_problem(ask(nginx, BASE + "/metrics"), 404, "not-found", "/metrics")
        assert_problem(ask_raw(nginx, f"PROPFIND {BASE}/cart HTTP/1.1\r\nHost: a\r\n\r\n".encode()), 405,
                       "method-not-allowed", "/cart")  # fmt: skip

    def test_the_cart_cookie_comes_back_below_it(self, nginx: Nginx, upstream: Upstream) -> None:
        upstream.answer = lambda request: (201, {"Set-Cookie": "cart=token; HttpOnly; Path=/cart"}, b"Created")
        assert "Path=/api/fec2/hr-rfp/cart" in ask(nginx, BASE + "/cart", "POST", b"{}").headers["Set-Cookie"]
        assert "Path=/cart" in ask(nginx, "/cart", "POST", b"{}").headers["Set-Cookie"]

    @pytest.mark.parametrize("path", ["/api/fec2/hr-rfpx/products", "/api/fec2", "/x/api/fec2/hr-rfp/products"])
    def test_other_paths_stay_whole(self, nginx: Nginx, upstream: Upstream, path: str) -> None:
        ask(nginx, path)
        assert upstream.requests[-1][1] == path


@pytest.mark.parametrize("url", ["https://api.example/base", "http://[::1]:8080", "http://127.0.0.1:1"])
def test_the_configuration_is_clean(nginx_server: Start, url: str) -> None:
    nginx = nginx_server(
        "127.0.0.1:9", old_api=url, base_path=BASE, micro_cache=True, trusted_proxies="::/0,0.0.0.0/0,10.1.2.3/8"
    )
    command = [nginx.program, "-t", "-p", nginx.prefix, "-c", nginx.configuration, "-e", "stderr"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=nginx.environ)
    assert "[" not in checked.stderr
