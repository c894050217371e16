"""Somebody who adds to a cart all the time, and knows what it has to hold."""

import http.client
import itertools
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from uuid import uuid4

SKUS = range(1, 101)
_PAUSE_SECONDS = 0.02
_REPEAT_SECONDS = 10.0


class Shopper:
    """Additions to one cart, each with a key, by which it is repeated until it has an answer other than 503."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=5)
        self._token: dict[str, str] = {}
        self.added = 0
        self.refused: list[int] = []

    @contextmanager
    def shopping(self) -> Iterator["Shopper"]:
        """Add until the end of the block."""
        over = threading.Event()
        thread = threading.Thread(target=self._add, args=[over])
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join(2 * _REPEAT_SECONDS)
            self._connection.close()

    def in_cart(self) -> int:
        """How many the cart has, by its own account."""
        with closing(self._connection) as connection:
            connection.request("GET", "/cart", headers=self._token)
            return sum(line["count"] for line in json.load(connection.getresponse()))

    def _add(self, over: threading.Event) -> None:
        for sku_id in itertools.cycle(SKUS):
            if over.wait(_PAUSE_SECONDS):
                return
            status = self._one(json.dumps({"sku_id": sku_id}))
            if status == 201:
                self.added += 1
            else:
                self.refused.append(status)

    def _one(self, body: str) -> int:
        """The status of one addition in the end; 0 if there was no answer."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4()), **self._token}
        status, until = 0, time.monotonic() + _REPEAT_SECONDS
        while status in (0, 503) and time.monotonic() < until:
            try:
                self._connection.request("POST", "/cart", body, headers)
                response = self._connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException):
                self._connection.close()
                continue
            status = response.status
            if status == 201:
                self._token = {"X-Cart-Token": response.headers["X-Cart-Token"]}
        return status
