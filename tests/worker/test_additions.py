"""Additions to carts: the event loop worker against gunicorn's own, and many at once."""

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from tests.worker import additions
from tests.worker.exchange import answers, exchange

_CONVERSATIONS = 2000
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")


@pytest.fixture(scope="module")
def limits():
    return {"CART_MAX_LINES": "25", "CART_MAX_ITEMS": "300", "CORS_ORIGINS": additions.SHOP}


@pytest.mark.parametrize("by_authorization", ["off", "on"])
def test_over_many_odd_additions_it_answers_what_the_stock_worker_answers(launch, limits, by_authorization):
    settings = limits | {"COVERAGE_PROCESS_CONFIG": "", "CART_BY_AUTHORIZATION": by_authorization}
    servers = [launch("--keep-alive 5", **settings), launch("--keep-alive 5 --worker-class gthread", **settings)]
    owners = [f"{by_authorization}-{number}" for number in range(2)]
    tokens = [new_cart(server.address) for server in servers]
    random, seen = Random(20261127), []
    with ThreadPoolExecutor(2) as both:
        for round_number in range(_CONVERSATIONS):
            if round_number % 100 == 0:
                tokens = [new_cart(server.address) for server in servers]
            conversation = [additions.addition(random) for _ in range(random.choice((1, 1, 1, 2, 3)))]
            ours, expected = both.map(said, servers, [conversation] * 2, tokens, owners)
            assert ours == expected, conversation
            seen += expected
            if round_number % 100 == 99:
                assert contents(servers[0].address, tokens[0]) == contents(servers[0].address, tokens[1])
    statuses = [re.search(rb"(?:^| )([1-5]\d\d)", status)[1] for status, _, _ in seen]
    assert statuses.count(b"201") > _CONVERSATIONS / 2
    assert {b"400", b"403", b"415", b"422"} <= set(statuses)
    assert sum(b"Idempotency-Replayed: true" in headers for _, headers, _ in seen) > _CONVERSATIONS / 40


def said(server, conversation, token, own):
    """What a server answers, without what is its own."""
    raw = [one.replace("{token}", token).replace("{own}", own).encode("utf-8") for one in conversation]
    found = []
    for status, headers, body in answers(exchange(server.address, [b"".join(raw)])):
        lasting = [_TOKEN.sub(b"its token" if token.encode() in one else b"another", one) for one in headers]
        found.append((status, lasting, body))
    return found


def post(sku_id=1, *headers):
    body = json.dumps({"sku_id": sku_id})
    head = ["POST /cart HTTP/1.1", "Host: a", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, *headers, "", body]).encode()


def new_cart(address):
    """The token of a new cart with sku 1."""
    return re.search(rb"X-Cart-Token: (\S+)", exchange(address, [post()]))[1].decode()


def contents(address, token):
    request = f"GET /cart HTTP/1.1\r\nHost: a\r\nX-Cart-Token: {token}\r\n\r\n".encode()
    ((_, _, body),) = answers(exchange(address, [request]))
    return {line["sku_id"]: line["count"] for line in json.loads(body)}


def test_many_at_once_all_count_and_each_gets_its_own_answer(launch, limits):
    """On two instances: to carts that all share, to carts of their own, and refused ones among them."""
    instances = [launch(**limits | {"CART_MAX_ITEMS": "100000"}) for _ in range(2)]
    hot = [new_cart(instances[0].address) for _ in range(3)]
    gate = threading.Barrier(24)

    def shop(number):
        address, random, made = instances[number % 2].address, Random(number), []
        gate.wait(10)
        for _ in range(30):
            token, sku_id = random.choice(hot), random.choice((1, 2, 3, 999))
            ((status, _, _),) = answers(exchange(address, [post(sku_id, f"X-Cart-Token: {token}")]))
            assert status.split()[1] == (b"422" if sku_id == 999 else b"201")
            made.append((token, sku_id))
            assert contents(address, new_cart(address)) == {1: 1}
        return made

    with ThreadPoolExecutor(24) as clients:
        made = [one for each in clients.map(shop, range(24)) for one in each]
    for token in hot:
        wanted = {sku_id: made.count((token, sku_id)) + (sku_id == 1) for sku_id in (1, 2, 3)}
        assert contents(instances[0].address, token) == wanted


def test_a_body_that_comes_later_than_its_head_is_waited_for(launch):
    instance = launch()
    head, _, body = post().partition(b"\r\n\r\n")
    for packets in (
        [head + b"\r\n\r\n", body],
        [head, b"\r\n\r\n" + body[:4], body[4:]],
        [post() + post()[:50], post()[50:]],
    ):
        made = answers(exchange(instance.address, packets))
        assert {status for status, _, _ in made} == {b"HTTP/1.1 201 CREATED"}
