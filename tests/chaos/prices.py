"""Changes that can be recognised: every change of a price is a rise, to one that no product had before."""

import itertools
import time
from collections.abc import Iterable

from tests.e2e.service_under_test import PRODUCTS, Service

Price = tuple[int, int, float]
"""Product, price, and the moment (monotonic) from when on no lower one may be read."""

_higher = itertools.count(PRODUCTS + 1)


def raise_prices(service: Service, product_ids: Iterable[int]) -> list[Price]:
    """Commit one higher price for all of these, past the service."""
    price, ids = next(_higher), list(product_ids)
    service.sql("UPDATE products SET default_price = %s WHERE id = ANY (%s)", price, ids)
    committed = time.monotonic()
    return [(product_id, price, committed) for product_id in ids]


def raise_prices_one_by_one(service: Service, product_ids: Iterable[int]) -> None:
    """The same in a statement for each, so that each is a row of the outbox of its own."""
    price = next(_higher)
    statements = [f"UPDATE products SET default_price = {price} WHERE id = {int(each)}" for each in product_ids]  # noqa: S608
    service.sql(";".join(statements))
