"""A price feed: thousands of updates a second in batches, by plain SQL, and a watch over the outbox meanwhile."""

import random
import threading
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle
from time import perf_counter

import psycopg2

from deploy.local import probes

_CONNECT_SECONDS = 10
_LOOK_EVERY_SECONDS = 0.05

STATEMENTS = (
    "UPDATE products SET default_price = new.price"
    " FROM unnest(%(ids)s) WITH ORDINALITY AS new (id, price) WHERE products.id = new.id",
    "UPDATE styles SET original_price = new.price"
    " FROM unnest(%(ids)s) WITH ORDINALITY AS new (id, price) WHERE styles.id = new.id * 10",
    "UPDATE skus SET quantity = new.quantity"
    " FROM unnest(%(ids)s) WITH ORDINALITY AS new (id, quantity) WHERE skus.id = new.id * 20",
)


class Feed(threading.Thread):
    """Changes ``rows`` random ones of ``ids`` in a statement, each a transaction, ``rate`` rows a second if it can."""

    def __init__(self, url: str, ids: Sequence[int], rate: float, rows: int, statements: Sequence[str]) -> None:
        super().__init__(name="feed", daemon=True)
        self._url, self._ids, self._rate, self._rows, self._statements = url, ids, rate, rows, statements
        self._stopped = threading.Event()
        self.seconds: list[float] = []  # of each statement
        self.began = self.ended = perf_counter()

    @property
    def rows_a_second(self) -> float:
        """What was kept up."""
        return len(self.seconds) * self._rows / (self.ended - self.began)

    def run(self) -> None:
        with closing(psycopg2.connect(self._url, connect_timeout=_CONNECT_SECONDS)) as connection:
            connection.autocommit = True
            self.began = perf_counter()
            for number, statement in enumerate(cycle(self._statements)):
                due = self.began + number * self._rows / self._rate
                if self._stopped.wait(max(0.0, due - perf_counter())):
                    break
                began = perf_counter()
                with connection.cursor() as cursor:
                    cursor.execute(statement, {"ids": random.sample(self._ids, self._rows)})
                self.seconds.append(perf_counter() - began)
            self.ended = perf_counter()

    def stop(self) -> None:
        """End after the statement that is under way."""
        self._stopped.set()
        self.join(_CONNECT_SECONDS)


class OutboxWatch(threading.Thread):
    """Looks twenty times a second for how long the oldest row of the outbox has waited."""

    def __init__(self, url: str) -> None:
        super().__init__(name="outbox watch", daemon=True)
        self._url = url
        self._stopped = threading.Event()
        self.ages: list[float] = []  # seconds

    def run(self) -> None:
        with probes.query(self._url) as cursor:
            while not self._stopped.wait(_LOOK_EVERY_SECONDS):
                cursor.execute(
                    "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float8"
                    " FROM catalogue_outbox"
                )
                [(age,)] = cursor.fetchall()
                self.ages.append(age)

    def stop(self) -> None:
        """End after the look that is under way."""
        self._stopped.set()
        self.join(_CONNECT_SECONDS)


def drained(url: str) -> bool:
    """Whether nothing waits."""
    with probes.query(url) as cursor:
        cursor.execute("SELECT count(*) FROM catalogue_outbox")
        return cursor.fetchone() == (0,)
