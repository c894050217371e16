"""The second that nginx may remember hot answers for."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from deploy.local.servers import Nginx
from tests.integration.requests import Reply, ask
from tests.integration.upstream import FRESH, Upstream, product, serving


@pytest.fixture
def nginx(nginx_server: Callable[..., Nginx], upstream: Upstream) -> Nginx:
    return nginx_server(upstream.address, micro_cache=True)


def stored_files(nginx: Nginx) -> list[Path]:
    return [path for path in nginx.prefix.joinpath("micro_cache").rglob("*") if path.is_file()]


def slow(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
    time.sleep(0.05)
    return product(request)


def seconds_of(nginx: Nginx, **headers: str) -> float:
    began = time.monotonic()
    assert ask(nginx, "/products/1", **headers).status == 304
    return time.monotonic() - began


def heat(nginx: Nginx, path: str) -> Reply:
    return [ask(nginx, path) for _ in range(20)][-1]


def test_the_long_tail_is_never_stored(nginx: Nginx, upstream: Upstream) -> None:
    for number in range(500):
        assert ask(nginx, f"/products/{number}").status == 200
    assert len(upstream.requests) == 500
    assert stored_files(nginx) == []


def test_a_hot_key_is_answered_by_nginx(nginx: Nginx, upstream: Upstream) -> None:
    replies = [ask(nginx, "/products/1") for _ in range(50)]
    assert len(upstream.requests) <= 10
    assert {(reply.status, reply.body, reply.headers["ETag"]) for reply in replies} == {(200, b'{"id":1}', '"tag"')}
    assert len({tuple(reply.headers.get_all("X-Request-Id")) for reply in replies}) == 50
    assert replies[-1].headers["X-Micro-Cache"] == "hit"
    assert "X-Micro-Cache" not in replies[0].headers


def test_a_hot_page_is_too(nginx: Nginx) -> None:
    assert heat(nginx, "/products/1/page").headers["X-Micro-Cache"] == "hit"


def test_what_it_answers_is_as_old_as_it_may_become_for_who_is_behind(nginx: Nginx) -> None:
    replies = [ask(nginx, "/products/1") for _ in range(20)] + [ask(nginx, "/products/1", If_None_Match='"tag"')]
    assert (replies[-1].status, replies[-1].headers["Cache-Control"]) == (304, "public, max-age=1")
    assert [reply.headers["Age"] for reply in replies] == [
        "1" if reply.headers["X-Micro-Cache"] else None for reply in replies
    ]
    assert replies[-1].headers["Age"] == "1"


def test_where_the_time_of_a_request_went_is_told_to_no_other(nginx: Nginx, upstream: Upstream) -> None:
    times = itertools.count(1)
    timed = lambda request: (200, FRESH | {"Server-Timing": f"total;dur={next(times)}"}, b"{}")  # noqa: E731
    upstream.answer = timed
    replies = [ask(nginx, "/products/1") for _ in range(20)]
    assert replies[-1].headers["X-Micro-Cache"] == "hit"
    told = [reply.headers["Server-Timing"] for reply in replies]
    assert told == [None if reply.headers["X-Micro-Cache"] else f"total;dur={n}" for n, reply in enumerate(replies, 1)]
    upstream.answer = lambda request: (503, {"Server-Timing": "total;dur=2000"}, b"{}")
    assert ask(nginx, "/cart").headers["Server-Timing"] == "total;dur=2000"


def test_it_forgets_within_two_seconds(nginx: Nginx, upstream: Upstream) -> None:
    heat(nginx, "/products/1")
    changed = asked = time.monotonic()
    upstream.answer = lambda request: (200, FRESH, b"new")
    while ask(nginx, "/products/1").body != b"new":
        assert asked < changed + 2  # the last request that got the old answer
        asked = time.monotonic()


def test_a_key_is_the_whole_address(nginx: Nginx, upstream: Upstream) -> None:
    upstream.answer = lambda request: (200, FRESH, request.path.encode() + request.headers["Host"].encode())
    for path in ("/products?page=1", "/products?page=2", "/products"):
        assert heat(nginx, path).body.startswith(path.encode())
    assert ask(nginx, "/products", Host="other").body == b"/productsother"


def test_a_conditional_request_is_answered_from_it(nginx: Nginx, upstream: Upstream) -> None:
    cold = ask(nginx, "/products/1", If_None_Match='"tag"')
    heat(nginx, "/products/1")
    seen = len(upstream.requests)
    hot = ask(nginx, "/products/1", If_None_Match='"tag"')
    for reply in (cold, hot):
        assert (reply.status, reply.body, reply.headers["ETag"]) == (304, b"", '"tag"')
        assert reply.headers["Cache-Control"] == "public, max-age=1"
    assert ask(nginx, "/products/1", If_None_Match='"other"').status == 200
    assert len(upstream.requests) == seen


def test_a_hot_conditional_request_still_stores_the_whole_answer(nginx: Nginx) -> None:
    for _ in range(20):
        assert ask(nginx, "/products/1", If_None_Match='"tag"').status == 304
    reply = ask(nginx, "/products/1")
    assert (reply.status, reply.body) == (200, b'{"id":1}')


def test_a_conditional_request_renews_an_entry_for_all(nginx: Nginx, upstream: Upstream) -> None:
    heat(nginx, "/products/1")
    seen = len(upstream.requests)
    while len(upstream.requests) == seen:
        assert ask(nginx, "/products/1", If_None_Match='"tag"').status == 304
    assert "If-None-Match" not in upstream.requests[-1][2]
    reply = ask(nginx, "/products/1")
    assert reply.body == b'{"id":1}'
    assert reply.headers["X-Micro-Cache"] in ("hit", "stale")  # the renewal is answered before it is stored


def test_nobody_waits_for_an_answer_that_is_not_stored(nginx: Nginx, upstream: Upstream) -> None:
    for _ in range(4):
        ask(nginx, "/products/1", If_None_Match='"tag"')
    upstream.answer = slow
    with ThreadPoolExecutor(4) as clients:
        seconds = list(clients.map(lambda _: seconds_of(nginx, If_None_Match='"tag"'), range(16)))
    assert max(seconds) < 0.4


def test_while_one_request_renews_an_answer_the_others_get_the_old_one_at_once(
    nginx: Nginx, upstream: Upstream
) -> None:
    heat(nginx, "/products/1")
    renewed, renewing = threading.Event(), threading.Event()

    def wait(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        renewing.set()
        renewed.wait(4)
        return 200, FRESH, b"new"

    upstream.answer = wait
    with ThreadPoolExecutor(1) as clients:
        renewal = clients.submit(renew, nginx, renewing)
        assert renewing.wait(4)
        replies = [ask(nginx, "/products/1") for _ in range(20)]
        renewed.set()
        assert renewal.result().body == b"new"
    assert {(reply.body, reply.headers["X-Micro-Cache"], reply.headers["Age"]) for reply in replies} == {
        (b'{"id":1}', "stale", "2")
    }
    stored = time.monotonic()
    while ask(nginx, "/products/1").body != b"new":  # the renewal is answered before it is stored
        assert time.monotonic() < stored + 1


def renew(nginx: Nginx, renewing: threading.Event) -> Reply:
    while True:
        reply = ask(nginx, "/products/1")
        if renewing.is_set():
            return reply


@pytest.fixture
def tiny_zone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Has room for some 200 keys."""
    template = tmp_path / "template"
    text = Nginx.template.read_text("utf-8")
    assert "products:32m" in text
    template.write_text(text.replace("products:32m", "products:32k"), "utf-8")
    monkeypatch.setattr(Nginx, "template", template)


@pytest.mark.usefixtures("tiny_zone")
def test_a_full_key_zone_costs_nobody_an_answer(nginx_server: Callable[..., Nginx]) -> None:
    all_in = threading.Barrier(400)

    def wait(request: BaseHTTPRequestHandler) -> tuple[int, dict[str, str], bytes]:
        with contextlib.suppress(threading.BrokenBarrierError):
            all_in.wait(3)  # each request keeps its key in the zone
        return product(request)

    with serving(Upstream(answer=wait)) as upstream, ThreadPoolExecutor(400) as clients:
        nginx = nginx_server(upstream.address, micro_cache=True)
        paths = [f"/products/{number}" for number in range(1, 401)]
        statuses = {reply.status for reply in clients.map(lambda path: ask(nginx, path), paths)}
    assert "could not allocate node in cache keys zone" in nginx.log_tail()
    assert statuses == {200}


def test_head_has_the_headers_of_get(nginx: Nginx, upstream: Upstream) -> None:
    for _ in range(20):
        reply = ask(nginx, "/products/1", "HEAD")
        assert (reply.status, reply.headers["Content-Length"], reply.body) == (200, "8", b"")
    assert ask(nginx, "/products/1").body == b'{"id":1}'


@pytest.mark.parametrize(
    "headers",
    [{"Cache-Control": "no-store"}, {**FRESH, "Set-Cookie": "a=b"}, {}],
    ids=["no-store", "cookie", "silent"],
)
def test_what_may_not_be_shared_is_not_stored(nginx: Nginx, upstream: Upstream, headers: dict) -> None:
    upstream.answer = lambda request: (200, headers, b"private")
    heat(nginx, "/products/1")
    assert len(upstream.requests) == 20
    assert stored_files(nginx) == []


def test_only_products_are_stored(nginx: Nginx, upstream: Upstream) -> None:
    heat(nginx, "/cart")
    assert len(upstream.requests) == 20


def test_it_can_be_turned_off(nginx_server: Callable[..., Nginx], upstream: Upstream) -> None:
    nginx = nginx_server(upstream.address, micro_cache=False)
    heat(nginx, "/products/1")
    assert len(upstream.requests) == 20
    assert stored_files(nginx) == []


def test_a_stale_answer_is_not_served_when_the_instances_are_gone(nginx_server: Callable[..., Nginx]) -> None:
    with serving(Upstream()) as upstream:
        nginx = nginx_server(upstream.address, micro_cache=True)
        heat(nginx, "/products/1")
    gone = time.monotonic()
    while ask(nginx, "/products/1").status == 200:
        assert time.monotonic() < gone + 2.5
