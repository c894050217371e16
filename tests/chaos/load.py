"""Readers under load: threads that read products at an even pace and remember every answer."""

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

HOT = range(1, 61)
"""Products that are read all the time and so are in the cache; the load reads all others only once."""

_HOT_READERS, _HOT_PAUSE_SECONDS = 8, 0.02
_COLD_READERS, _COLD_PAUSE_SECONDS = 3, 0.1
_TIMEOUT_SECONDS = 10.0
_NO_ANSWER = 0


class Said(NamedTuple):
    """What an answer says; ``price`` of the product, None where there is none; status 0 if no answer came."""

    status: int
    outcome: str = ""
    retry_after: str = ""
    price: int | None = None


class Answer(NamedTuple):
    """One read of a product. Times are of ``time.monotonic``."""

    product_id: int
    sent: float
    received: float
    said: Said

    @property
    def cold(self) -> bool:
        """Whether the product was not in the cache before."""
        return self.product_id not in HOT

    @property
    def seconds(self) -> float:
        """How long the reader waited."""
        return self.received - self.sent


Read = Callable[[int], Said]
Reader = Callable[[], AbstractContextManager[Read]]
PriceOf = Callable[[dict[str, Any]], int | None]


def _price(product: dict[str, Any]) -> int | None:
    return int(product["default_price"])


def over_http(address: str, price_of: PriceOf = _price, timeout_seconds: float = _TIMEOUT_SECONDS) -> Reader:
    """A reader on one kept-alive connection to ``address``; ``price_of`` takes it from a product, or rejects that."""

    @contextmanager
    def reader() -> Iterator[Read]:
        connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
        try:
            yield lambda product_id: _get(connection, product_id, price_of)
        finally:
            connection.close()

    return reader


def _get(connection: http.client.HTTPConnection, product_id: int, price_of: PriceOf) -> Said:
    """One GET, of every other product's page.

    A kept connection that the server closed before a byte is replaced once, as RFC 9112 has clients do.
    """
    path = f"/products/{product_id}{'' if product_id % 2 else '/page'}"
    for kept in (connection.sock is not None, False):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            if not (kept and isinstance(error, (http.client.RemoteDisconnected, ConnectionError))):
                return Said(_NO_ANSWER)
        else:
            price = price_of(_product(json.loads(body))) if answer.status == 200 else None
            return Said(answer.status, answer.getheader("X-Cache", ""), answer.getheader("Retry-After", ""), price)
    raise AssertionError("a new connection was neither answered nor lost")


def _product(said: dict[str, Any]) -> dict[str, Any]:
    product: dict[str, Any] = said.get("product", said)
    return product


class Load:
    """Reads by eight readers of hot products and three of cold ones, at most 430 reads a second."""

    def __init__(self, reader: Reader, cold_ids: Iterator[int]) -> None:
        self._reader, self._cold_ids = reader, cold_ids
        self._answers: list[Answer] = []
        self._changed = threading.Condition()
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Read until the end of the block."""
        hot = [(itertools.cycle(random.sample(HOT, len(HOT))), _HOT_PAUSE_SECONDS) for _ in range(_HOT_READERS)]
        every = [*hot, *[(self._cold_ids, _COLD_PAUSE_SECONDS)] * _COLD_READERS]
        threads = [threading.Thread(target=self._read, args=each) for each in every]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in threads:
                thread.join(2 * _TIMEOUT_SECONDS)

    def answers(self) -> Sequence[Answer]:
        """Every answer so far, in the order they came."""
        with self._changed:
            return tuple(self._answers)

    def wait_until(self, condition: Callable[[Sequence[Answer]], bool], seconds: float) -> bool:
        """Wait until the answers meet a condition; false if they do not within ``seconds``."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self._answers), seconds)

    def _read(self, product_ids: Iterator[int], pause_seconds: float) -> None:
        with self._reader() as read:
            while not self._over.wait(pause_seconds * random.uniform(0.5, 1.5)):
                product_id, sent = next(product_ids), time.monotonic()
                said = read(product_id)
                with self._changed:
                    self._answers.append(Answer(product_id, sent, time.monotonic(), said))
                    self._changed.notify_all()
