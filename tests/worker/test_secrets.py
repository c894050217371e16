"""No log of any process has a secret, of a client or of the settings, also not when requests are slow or fail."""

import http.client
import json
import re
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit

import pytest

from deploy.local.instances import Process, Watch
from tests.chaos.proxy import FaultProxy
from tests.locks import locked

QUERY = "token=secret-of-the-query&card=4111-secret-of-the-query"
SENT = {
    "Authorization": "Basic c2VjcmV0LW9mLWF1dGhvcml6YXRpb24=",
    "Cookie": "session=secret-of-a-cookie; cart=secret-of-a-forged-cookie",
    "Idempotency-Key": "secret-of-a-key",
    "Referer": "http://shop.example/?token=secret-of-a-referer",
    "X-Api-Key": "secret-of-a-header",
}
FORGED = "secret-of-a-forged-token"
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}")


class Stack:
    """Two instances behind nginx, and the processes beside them; both stores are behind proxies."""

    def __init__(self, settings, instances, nginx, processes, proxies):
        self.settings, self.instances, self.nginx, self.proxies = settings, instances, nginx, proxies
        self.processes = processes
        self.watch = settings["OPERATIONS"]
        self.tokens = set()

    def ask(self, address, method, target, body=None, **headers):
        """Status of an answer; tokens that it hands out are noted."""
        with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, target, body, given | ({"Content-Type": "application/json"} if body else {}))
            answer = connection.getresponse()
            answer.read()
            self.tokens |= set(TOKEN.findall(str(answer.headers)))
            return answer.status

    def shop(self):
        """What clients send: through nginx and past it, to the fast path and the slow one, well-formed and not."""
        found = set()
        for address in (self.nginx.address, *(instance.address for instance in self.instances)):
            for target in ("/cart", f"/cart?{QUERY}"):
                found.add(self.ask(address, "POST", target, b'{"sku_id":1}'))
                for carrying in (SENT, {"X_Cart_Token": FORGED}, *self._own()):
                    found.add(self.ask(address, "POST", target, b'{"sku_id":1}', **carrying))
                    found.add(self.ask(address, "GET", target, **carrying))
            for token in sorted(self.tokens)[:2]:
                merge = json.dumps({"token": token}).encode()
                found.add(self.ask(address, "POST", "/cart/merge", merge, X_Cart_Token=max(self.tokens)))
            for target in ("/products/1", "/products/99", "/products/0", "/products", "/nothing", "/metrics"):
                found.add(self.ask(address, "GET", target, **SENT))
                found.add(self.ask(address, "GET", f"{target}?{QUERY}", **SENT))
            found.add(self.ask(address, "POST", "/cart", b'{"secret-of-a-body"', **SENT))
            found.add(self.ask(address, "POST", f"/cart?{QUERY}", b"secret-of-a-body" * 4000))
        return found

    def look(self):
        """What operators ask the watch process for, with what their browsers may send."""
        entry, pages = (
            "/dashboard/entry.json?kind=product&id=1",
            ("/dashboard", "/dashboard.json", "/metrics", "/nothing"),
        )
        return {
            *(self.ask(self.watch, "GET", f"{page}?{QUERY}", **SENT) for page in (*pages, "/metrics/redis")),
            self.ask(self.watch, "GET", f"{entry}&{QUERY}", **SENT),
            self.ask(self.watch, "GET", "/dashboard/points.json?from=secret-of-a-query", **SENT),
            self.ask(self.watch, "GET", f"/dashboard?{QUERY}", Host="secret-of-a-host.example"),
        }

    def _own(self):
        for token in sorted(self.tokens)[:1]:
            yield {"X_Cart_Token": token}
            yield {"Cookie": f"session=secret-of-a-cookie; cart={token}", "Idempotency_Key": "secret-of-a-key"}

    def secrets(self):
        """By what they are."""
        urls = {name: urlsplit(self.settings[name]).password for name in ("DATABASE_URL", "REDIS_URL")}
        of_settings = {"CART_SECRET": self.settings["CART_SECRET"], "OTLP headers": "secret-of-the-collector"}
        basic = {"Authorization": SENT["Authorization"].split()[1]}
        return {
            "what clients sent": "secret-of-",
            **urls,
            **of_settings,
            **basic,
            **{f"token {one}": one for one in self.tokens},
        }

    def logs(self):
        """Text by name, after all have ended."""
        for process in (self.nginx, *self.instances, *self.processes):
            process.stop()
        files = [
            self.nginx.log,
            self.nginx.prefix / "access.log",
            *(one.log for one in (*self.instances, *self.processes)),
        ]
        return {f"{file.parent.name}/{file.name}": file.read_text("utf-8") for file in files}


@pytest.fixture
def stack(launch, nginx_server, given, free_port, server_root):
    with ExitStack() as closing_all:
        proxies, settings = {}, {**given, "SLOW_SECONDS": "0.001", "LOG_LEVEL": "DEBUG", "CART_BY_AUTHORIZATION": "on"}
        settings |= {"POSTGRES_TIMEOUT_SECONDS": "0.3", "REDIS_TIMEOUT_SECONDS": "0.3"}
        settings |= {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port('no collector')}"}
        settings |= {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret-of-the-collector", "OTEL_BSP_SCHEDULE_DELAY": "50"}
        for name in ("DATABASE_URL", "REDIS_URL"):
            address = urlsplit(given[name]).netloc.rpartition("@")[2]
            proxies[name] = FaultProxy(free_port(f"for secrets {name}"), address)
            proxies[name].start()
            closing_all.callback(proxies[name].stop)
            settings[name] = given[name].replace(address, proxies[name].address)
        instances = [launch(**settings) for _ in range(2)]
        nginx = nginx_server(*(one.address for one in instances), micro_cache=True)
        settings |= {"INSTANCES": ",".join(one.address for one in instances)}
        settings |= {"OPERATIONS": f"127.0.0.1:{free_port('to watch')}"}
        settings |= {"NGINX_ACCESS_LOG": str(nginx.prefix / "access.log")}
        folder = instances[0].log.parent
        processes = [Process(kind, folder / f"{kind}.log", settings) for kind in ("invalidator", "sweeper")]
        processes.append(Watch(folder / "watch.log", settings))
        for process in processes:
            process.start()
            closing_all.callback(process.stop)
        yield Stack(settings, instances, nginx, processes, proxies)


def test_no_log_has_a_secret(stack):
    assert {200, 201, 400, 404, 413} <= stack.shop()
    assert {200, 400, 404, 421} <= stack.look()
    with outage(stack, "REDIS_URL"):
        assert 201 in stack.shop()
        stack.look()
    with outage(stack, "DATABASE_URL"):
        assert 503 in stack.shop()
        stack.look()
    with locked(stack.settings, "products, carts"):
        statuses = [
            stack.ask(stack.nginx.address, "POST", path, b'{"sku_id":1}', **SENT) for path in ("/cart", "/cart?")
        ]
        statuses += [stack.ask(stack.nginx.address, "GET", f"/products/{n}?{QUERY}", **SENT) for n in (50, 51)]
        assert statuses == [503] * 4
    stack.instances[0].kill()
    stack.instances[1].kill()
    stack.look()
    assert stack.ask(stack.nginx.address, "GET", f"/cart?{QUERY}", **SENT) == 503
    logs = stack.logs()
    instances = [text for name, text in logs.items() if name.endswith("web.log")]
    for message in ("a slow request", "a failed request"):
        assert all(message in text for text in instances)
    for part in ('"endpoint": "/cart"', '"endpoint": "/products/<product_id>"', "opentelemetry"):
        assert all(part in text for text in instances)
    assert all(
        '"path":"/cart","answered_by":"nginx","status":503' in text
        for name, text in logs.items()
        if name.endswith("access.log")
    )
    assert "invalidations are pending" in str(logs)
    found = {what: name for what, secret in stack.secrets().items() for name, text in logs.items() if secret in text}
    assert found == {}


@contextmanager
def outage(stack, name):
    stack.proxies[name].cut()
    try:
        yield
    finally:
        stack.proxies[name].heal()
