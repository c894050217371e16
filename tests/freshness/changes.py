"""Changes of single products by plain SQL, as from psql: each writes a number that rises, by which readers tell it."""

import itertools
import re
import threading
from collections.abc import Sequence
from contextlib import closing
from time import perf_counter
from typing import NamedTuple

import psycopg2

_CONNECT_SECONDS = 10
_numbers = itertools.count(1)  # of all writers of this process, so that they rise from run to run


class Road(NamedTuple):
    """A way to change a product, the path that shows the change, and where on it the number is."""

    name: str
    sql: str
    path: str
    shown: re.Pattern[bytes]


_ON_PRODUCT = ("/products/{}", re.compile(rb'"default_price":"(\d+)"'))
_IN_STYLES = "/products/{}/styles"
_ON_PAGE = "/products/{}/page"
_SKUS, _QUANTITY = "UPDATE skus SET quantity = %(n)s WHERE id = %(id)s * 20", re.compile(rb'"quantity":(\d+)')
ROADS = (
    Road("UPDATE products", "UPDATE products SET default_price = %(n)s WHERE id = %(id)s", *_ON_PRODUCT),
    Road("UPDATE skus", _SKUS, _IN_STYLES, _QUANTITY),
    Road(
        "UPDATE styles",
        "UPDATE styles SET original_price = %(n)s WHERE id = %(id)s * 10",
        _IN_STYLES,
        re.compile(rb'"original_price":"(\d+)"'),
    ),
    Road(
        "DELETE, INSERT",
        "DELETE FROM products WHERE id = %(id)s;"
        "INSERT INTO products VALUES (%(id)s, 'Again', '', '', 'Things', %(n)s);"
        "INSERT INTO styles VALUES (%(id)s * 10, %(id)s, 'Style', 0, NULL, true)",
        *_ON_PRODUCT,
    ),
    Road("UPDATE skus, on the page", _SKUS, _ON_PAGE, _QUANTITY),
    Road(
        "UPDATE styles of a related product, on the page",
        "UPDATE styles SET original_price = %(n)s WHERE id = (%(id)s + 1) * 10",
        _ON_PAGE,
        re.compile(rb'"related":.*"original_price":"(\d+)"'),
    ),
)


class Subject(NamedTuple):
    """A product that is changed by one road."""

    product_id: int
    road: Road

    @property
    def path(self) -> str:
        """What readers ask for."""
        return self.road.path.format(self.product_id)


class Change(NamedTuple):
    """The number ``shown`` was committed within these two instants of ``perf_counter``: COMMIT sent, and answered."""

    subject: Subject
    shown: int
    sent: float
    answered: float


def subjects(ids: Sequence[int]) -> list[Subject]:
    """One for each id, the roads in turn."""
    return [Subject(product_id, road) for product_id, road in zip(ids, itertools.cycle(ROADS), strict=False)]


class Writer(threading.Thread):
    """Changes its subjects in turn, ``rate`` changes a second, until it is stopped or has made ``count``."""

    def __init__(self, url: str, of: Sequence[Subject], rate: float, count: int) -> None:
        super().__init__(name="writer", daemon=True)
        self._url, self._of, self._rate, self._count = url, of, rate, count
        self._stopped = threading.Event()
        self.changes: list[Change] = []

    def run(self) -> None:
        with closing(psycopg2.connect(self._url, connect_timeout=_CONNECT_SECONDS)) as connection:
            begin = perf_counter()
            for number in range(self._count):
                if self._stopped.wait(max(0.0, begin + number / self._rate - perf_counter())):
                    return
                subject, shown = self._of[number % len(self._of)], next(_numbers)
                with connection.cursor() as cursor:
                    cursor.execute(subject.road.sql, {"id": subject.product_id, "n": shown})
                sent = perf_counter()
                connection.commit()
                self.changes.append(Change(subject, shown, sent, perf_counter()))

    def stop(self) -> None:
        """End after the change that is under way."""
        self._stopped.set()
        self.join(_CONNECT_SECONDS)
