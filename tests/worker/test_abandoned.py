"""What a proxy has given up is not carried out: it was repeated elsewhere, and the client has written since."""

import http.client
import json
import socket
from contextlib import contextmanager

import pytest

PROXIED = "X-Forwarded-For: 127.0.0.1\r\n"


@pytest.fixture(scope="module")
def instance(launch):
    return launch(THREADS="1")  # requests of the slow path are answered in their order


@contextmanager
def connected(instance):
    host, _, port = instance.address.rpartition(":")
    with socket.create_connection((host, int(port)), 20) as client:
        yield client


def ask(instance, line, token="", body="", more=""):
    """A request on a connection of its own: status, the cart's token and body."""
    with connected(instance) as client:
        client.sendall(request(line, token, body, more))
        response = http.client.HTTPResponse(client)
        response.begin()
        return response.status, response.getheader("X-Cart-Token"), response.read()


def request(line, token="", body="", more=""):
    cart = f"X-Cart-Token: {token}\r\n" if token else ""
    head = f"{line} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{cart}{more}\r\n{body}".encode()


@pytest.fixture
def token(instance):
    status, token, _ = ask(instance, "POST /cart", body='{"sku_id":1,"count":4}')
    assert status == 201
    return token


def count(instance, token):
    _, _, body = ask(instance, "GET /cart", token)
    return {line["sku_id"]: line["count"] for line in json.loads(body)}.get(1, 0)


@pytest.mark.parametrize(
    ("line", "body"), [("PUT /cart/1", '{"count":9}'), ("DELETE /cart/1", ""), ("DELETE /cart", "")]
)
def test_a_write_that_a_proxy_gave_up_while_the_instance_hung_changes_nothing(instance, token, line, body):
    instance.pause()
    try:
        with connected(instance) as proxy:
            proxy.sendall(request(line, token, body, PROXIED))
    finally:
        instance.resume()
    assert count(instance, token) == 4
    assert ask(instance, line, token, body, PROXIED)[0] == 204
    assert count(instance, token) == (9 if body else 0)


def test_a_client_that_only_sends_no_more_is_answered(instance, token):
    with connected(instance) as client:
        client.sendall(request("PUT /cart/1", token, '{"count":9}'))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(65536).startswith(b"HTTP/1.1 204 ")
    assert count(instance, token) == 9
