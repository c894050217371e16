"""An instance at a Unix socket, behind nginx: what it learns of the caller."""

import http.client
import json
from contextlib import closing

import pytest

BASE = "/api/fec2/hr-rfp"


@pytest.fixture(scope="module")
def instance(launch):
    return launch(at_socket=True)


def ask(nginx, method, path, body=None, **headers):
    with closing(http.client.HTTPConnection(nginx.address, timeout=10)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()


def test_documents_lists_and_problems_come_over_the_socket(instance, nginx_server):
    nginx = nginx_server(instance.upstream)
    status, _, body = ask(nginx, "GET", "/products/1")
    assert (status, json.loads(body)["id"]) == (200, 1)
    assert [ask(nginx, "GET", path)[0] for path in ("/products/1", "/products", "/products/0")] == [200, 200, 400]


@pytest.mark.parametrize(("trusted", "secure"), [("127.0.0.1", True), ("", False), ("10.0.0.0/8", False)])
def test_the_cart_cookie_is_secure_if_a_trusted_proxy_says_https(instance, nginx_server, trusted, secure):
    nginx = nginx_server(instance.upstream, trusted_proxies=trusted)
    https = {"Content_Type": "application/json", "X_Forwarded_Proto": "https"}
    status, headers, _ = ask(nginx, "POST", "/cart", b'{"sku_id":1}', **https)
    assert (status, "Secure" in headers["Set-Cookie"]) == (201, secure)


def test_links_and_cookies_lead_below_the_base_path(instance, nginx_server):
    nginx = nginx_server(instance.upstream, base_path=BASE)
    for base in (BASE, ""):
        _, headers, _ = ask(nginx, "GET", f"{base}/products?count=2", X_Forwarded_Prefix="/evil")
        assert headers["Link"] == f'<{base}/products?page=2&count=2>; rel="next"'
        posted = ask(nginx, "POST", f"{base}/cart", b'{"sku_id":1}', Content_Type="application/json")
        assert f"Path={base}/cart" in posted[1]["Set-Cookie"]
        assert json.loads(ask(nginx, "GET", f"{base}/products/4711")[2])["instance"] == "/products/4711"


@pytest.mark.parametrize(("believed", "secure"), [("127.0.0.1", False), ("10.0.0.0/8, 127.0.0.0/30", True)])
def test_nginx_on_another_host_is_believed_if_its_address_is_given(launch, believed, secure):
    instance = launch(FORWARDED_ALLOW_IPS=believed)
    headers = {"Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    for charset in ("", "; charset=latin-1"):  # plain additions are of the fast path, others of the application
        with closing(http.client.HTTPConnection(instance.address, timeout=10, source_address=("127.0.0.2", 0))) as own:
            headers["Content-Type"] = f"application/json{charset}"
            own.request("POST", "/cart", b'{"sku_id":1}', headers)
            reply = own.getresponse()
            assert (reply.status, "Secure" in reply.headers["Set-Cookie"]) == (201, secure)
