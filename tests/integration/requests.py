"""Requests of nginx, and what is expected of its answers."""

import contextlib
import http.client
import json
import socket

from deploy.local.servers import Nginx

OF_A_BROWSER = {
    "Host": "shop.example",
    "User_Agent": "Mozilla/5.0",
    "Accept": "application/json",
    "Accept_Language": "en",
    "Accept_Encoding": "gzip, br",
    "Cookie": "cart=of-one",
    "Authorization": "Basic YTpi",
    "Origin": "http://shop.example",
    "Referer": "http://shop.example/",
    "If_Modified_Since": "Sun, 22 Nov 2026 00:00:00 GMT",
    "X_Forwarded_For": "10.0.0.1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
}


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def ask(nginx: Nginx, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Reply:
    with contextlib.closing(http.client.HTTPConnection(nginx.address, timeout=15)) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        return Reply(connection.getresponse())


def ask_raw(nginx: Nginx, request: bytes) -> Reply:
    host, port = nginx.address.split(":")
    with socket.create_connection((host, int(port)), timeout=15) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Reply(response)


def assert_problem(reply: Reply, status: int, code: str, instance: str) -> None:
    assert reply.status == status
    problem = json.loads(reply.body)
    assert list(problem) == ["type", "title", "status", "detail", "instance"]
    assert (problem["type"], problem["status"], problem["instance"]) == (f"/docs#{code}", status, instance)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Cache-Control"] == "no-store"
    assert len(reply.headers.get_all("X-Request-Id")) == 1
