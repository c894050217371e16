"""Requests of nginx without a pause, from clients that a trusted proxy names."""

import time
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

import pytest

from deploy.local.servers import Nginx
from tests.integration.requests import Reply, ask

MANY = 60


class Flood(NamedTuple):
    """Requests without a pause: how many were taken until the first was refused, and how long that took."""

    taken: int
    refused: Reply
    seconds: float

    def assert_limited(self, rate: int, burst: int) -> None:
        assert 1 + burst <= self.taken <= 1 + burst + 1 + rate * self.seconds


def flood(once: Callable[[], Reply]) -> Flood:
    began = time.monotonic()
    for taken in range(10 * MANY):
        if (reply := once()).status == 429:
            return Flood(taken, reply, time.monotonic() - began)
        assert reply.status == 200
    pytest.fail("none was refused")


def read(nginx: Nginx, client: str, path: str = "/products/1", method: str = "GET") -> Reply:
    return ask(nginx, path, method, X_Forwarded_For=client)


def add(nginx: Nginx, client: str, path: str = "/cart", method: str = "POST", **headers: str) -> Reply:
    return ask(nginx, path, method, b"{}", X_Forwarded_For=client, **headers)


def from_everywhere(nginx: Nginx, **headers: str) -> Callable[[], Reply]:
    """Additions, each from another address."""
    numbers = count()
    return lambda: add(nginx, f"198.51.100.{next(numbers) % 250}", **headers)


def assert_not_limited(once: Callable[[], Reply]) -> None:
    assert {once().status for _ in range(MANY)} == {200}
