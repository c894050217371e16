"""What matches as a read of a document, against a reader of requests that takes them apart line by line."""

import re
import time
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service import logs
from service.catalogue import Key, Kind
from service.web.encodings import accepts_gzip
from service.web.page_read import PageRead
from service.web.read_matching import match
from tests.worker import requests

KINDS = {"": Kind.PRODUCT, "/styles": Kind.STYLES, "/related": Kind.RELATED}
LARGEST_ID = 2**31 - 1
ONCE = {"host", "if-none-match", "x-request-id", "x-forwarded-proto", "accept-encoding"}
NEVER = {
    *("connection", "content-length", "content-type", "transfer-encoding", "expect", "upgrade", "te", "trailer"),
    "http2-settings",
}


def expected(request):
    """Method, key, If-None-Match, own id and whether gzip is accepted of a read that matches; None of any other."""
    first, *lines = request.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    asked = re.fullmatch(r"(GET|HEAD) /products/([1-9][0-9]*)(/styles|/related|) HTTP/1\.1", first)
    if not request.endswith(b"\r\n\r\n") or len(request) > 4096 or not asked or int(asked[2]) > LARGEST_ID:
        return None
    given = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[!#$%&'*+.^`|~0-9A-Za-z-]+", name):
            return None
        if not re.fullmatch(r"[\t -~]*", value) or name.lower() in NEVER:
            return None
        if name.lower() in ONCE and name.lower() in given:
            return None
        given[name.lower()] = value.strip(" \t")
    if not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", given.get("host", "")):
        return None
    own_id = given.get("x-request-id", "")
    accepted = own_id.encode() if re.fullmatch(logs.ACCEPTED, own_id) else None
    key, gzip = Key(KINDS[asked[3]], int(asked[2])), accepts_gzip(given.get("accept-encoding", ""))
    return asked[1].encode(), key, given.get("if-none-match") or None, accepted, gzip


def found(request):
    """The same of what the service makes of it: an id that it made up is none of the caller's."""
    if (read := match(request)) is None or isinstance(read, PageRead):
        return None
    made_up = re.fullmatch(rb"[0-9a-f]{32}", read.request_id) and read.request_id not in request
    return read.method, read.key, read.known, None if made_up else read.request_id, read.accepts_gzip


CHARACTERS = st.sampled_from("aZ09-._~:;,/\"' \t\r\n\0\x1f\x7f\x80\xff{*")
NAMES = st.one_of(
    st.sampled_from(
        [
            *sorted(ONCE | NEVER),
            "accept",
            "accept-encodings",
            "cookie",
            "user-agent",
            "hosts",
            "x",
            "te-x",
            "x-forwarded-for",
        ]
    ),
    st.text(CHARACTERS, max_size=4),
    st.text(st.sampled_from("!#$%&'*+.^_`|~-(aHx"), min_size=1, max_size=4),
).flatmap(lambda name: st.sampled_from([name, name.title(), name.upper(), f"{name}x", name[:-1]]))
VALUES = st.one_of(
    st.sampled_from(
        [
            "a.example:80",
            "0123456789abcdef",
            "short",
            "i" * 64,
            "i" * 65,
            '"tag"',
            'W/"tag"',
            "",
            "http",
            "gzip",
            "gzip, br",
            "*;q=0",
        ]
    ),
    st.text(CHARACTERS, max_size=12),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=70),
)
BLANKS = st.sampled_from(["", " ", "\t ", "  "])
LINES = st.tuples(NAMES, st.sampled_from([":", ":", ":", ":", " :", ""]), BLANKS, VALUES, BLANKS).map("".join)
PLAIN_LINES = st.sampled_from(
    ["Accept: */*", "X-Request-Id: 0123456789abcdef", 'If-None-Match: "tag"', "Cookie: a=b", "Accept-Encoding: gzip"]
)
FIRST_LINES = st.one_of(
    st.sampled_from(["GET /products/1 HTTP/1.1", "HEAD /products/2147483647/styles HTTP/1.1"]),
    st.tuples(
        st.sampled_from(["GET", "HEAD", "POST", "get"]),
        st.sampled_from(["1", "0", "01", "2147483647", "2147483648", "99999999999", "\xb9"]),
        st.sampled_from(["", "/styles", "/related", "/", "?"]),
        st.sampled_from(["1.1", "1.0"]),
    ).map(lambda parts: "{} /products/{}{} HTTP/{}".format(*parts)),
)


@st.composite
def heads(draw):
    """One request's head: a host in most, at any place."""
    lines = draw(st.lists(st.one_of(PLAIN_LINES, LINES), max_size=5))
    if draw(st.integers(0, 9)):
        lines.insert(draw(st.integers(0, len(lines))), "Host: a.example")
    return "\r\n".join([draw(FIRST_LINES), *lines, "", ""]).encode("latin-1", "replace")


@settings(max_examples=1000, deadline=None)
@given(heads())
@example(b'GET /products/1 HTTP/1.1\r\nIf-None-Match: "a"\r\nX-Request-Id: not accepted\r\nHost: a\r\n\r\n')
@example(b"GET /products/1 HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n")
def test_it_is_known_by_its_bytes_as_by_its_lines(request_):
    assert found(request_) == expected(request_)


def test_what_the_differential_test_sends_is_known_by_its_bytes_as_by_its_lines():
    random, reads = Random(20261126), 0
    for _ in range(20_000):
        request = requests.request(random)
        assert found(request) == expected(request), request
        reads += expected(request) is not None
    assert reads > 5_000


def test_a_page_is_known_by_its_bytes_as_its_product_is():
    random, pages = Random(20261128), 0
    for _ in range(20_000):
        request = requests.request(random)
        if b"/page HTTP/1.1" not in request:
            continue
        page, product = match(request), match(request.replace(b"/page HTTP/1.1", b" HTTP/1.1", 1))
        if product is None:
            assert page is None
            continue
        assert (page.method, page.product_id, page.known) == (product.method, product.key.product_id, product.known)
        assert (page.origin, page.accepts_gzip, page.raw) == (product.origin, product.accepts_gzip, request)
        assert page.request_id == product.request_id or page.request_id not in request
        pages += 1
    assert pages > 1_000


@pytest.mark.parametrize("last", ["te: x", "no colon", "Host: b", "a: \0", ""])
@pytest.mark.parametrize("line", ["a:", "accept-encodin:", "cookie:", "x-request-i:", "hos:"])
def test_the_longest_request_is_refused_in_no_time(line, last):
    lines = [line] * (4000 // (len(line) + 2))
    request = "\r\n".join(["GET /products/1 HTTP/1.1", "Host: a", *lines, last, "", ""]).encode()
    began = time.perf_counter()
    assert match(request) is None
    assert time.perf_counter() - began < 0.1
