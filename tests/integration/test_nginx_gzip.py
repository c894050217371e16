"""nginx compresses what instances send plain, and leaves documents as they come."""

import gzip
from http.server import BaseHTTPRequestHandler

import pytest

from service.web.encodings import accepts_gzip
from tests.integration.requests import Reply, ask
from tests.integration.upstream import FRESH, Answer, Upstream, serving

PLAIN = b'[{"id":1,"name":"Harbour Lantern"}]' * 100
STORED = gzip.compress(PLAIN, mtime=0)
GZIP = {"Accept_Encoding": "gzip, deflate, br"}
DOCUMENT, LIST = "/products/1/styles", "/products?count=100"


def answer(request: BaseHTTPRequestHandler) -> Answer:
    """Answer as an instance does."""
    headers = {**FRESH, "Content-Type": "application/json; charset=utf-8"}
    if request.path == "/products/nothing":
        return 404, {"Content-Type": "application/problem+json"}, PLAIN
    if not request.path.startswith("/products/"):
        return 200, headers, PLAIN if "count" in request.path else PLAIN[:1000]
    headers["Vary"] = "Accept-Encoding"
    if accepts_gzip(request.headers.get("Accept-Encoding", "")):
        return 200, {**headers, "Content-Encoding": "gzip", "ETag": '"tag-gzip"'}, STORED
    return 200, headers, PLAIN


@pytest.fixture
def nginx(nginx_server):
    with serving(Upstream(answer=answer)) as upstream:
        yield nginx_server(upstream.address)


def about(reply: Reply):
    return reply.headers["Content-Encoding"], reply.headers["ETag"], reply.headers.get_all("Vary")


def hot(nginx, **headers) -> Reply:
    return [ask(nginx, DOCUMENT, **headers) for _ in range(20)][-1]


def test_a_list_is_compressed_for_who_accepts_that(nginx):
    gzipped, plain = ask(nginx, LIST, **GZIP), ask(nginx, LIST)
    assert gzip.decompress(gzipped.body) == plain.body == PLAIN
    assert about(gzipped) == ("gzip", 'W/"tag"', ["Accept-Encoding"])
    assert about(plain) == (None, '"tag"', ["Accept-Encoding"])


def test_a_long_error_is_compressed(nginx):
    reply = ask(nginx, "/products/nothing", **GZIP)
    assert (reply.status, gzip.decompress(reply.body)) == (404, PLAIN)


def test_what_is_small_is_left_alone(nginx):
    reply = ask(nginx, "/products?page=2", **GZIP)
    assert (reply.body, about(reply)) == (PLAIN[:1000], (None, '"tag"', None))


@pytest.mark.parametrize("encodings", ["gzip, deflate, br", "*", "x-gzip", "gzip;q=0.1, identity;q=0"])
def test_a_document_passes_as_it_is_stored(nginx, encodings):
    reply = ask(nginx, DOCUMENT, Accept_Encoding=encodings)
    assert (reply.body, about(reply)) == (STORED, ("gzip", '"tag-gzip"', ["Accept-Encoding"]))
    assert reply.headers["Content-Length"] == str(len(STORED))


@pytest.mark.parametrize("encodings", ["identity", "br", "gzip;q=0", "gzip;q=0.5, identity", ""])
def test_a_document_that_is_wanted_plain_stays_plain(nginx, encodings):
    reply = ask(nginx, DOCUMENT, Accept_Encoding=encodings)
    assert (reply.body, about(reply)) == (PLAIN, (None, '"tag"', ["Accept-Encoding"]))
    assert reply.headers["Content-Length"] == str(len(PLAIN))


def test_each_caller_has_its_form_of_a_hot_document(nginx):
    for _ in range(3):
        gzipped, plain = hot(nginx, **GZIP), hot(nginx)
        assert (gzipped.body, about(gzipped)) == (STORED, ("gzip", '"tag-gzip"', ["Accept-Encoding"]))
        assert (plain.body, about(plain)) == (PLAIN, (None, '"tag"', ["Accept-Encoding"]))
