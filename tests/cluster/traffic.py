"""What goes on while a part fails: readers who know two nginx, a price feed, and clients who write to carts."""

import random
import time
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress

import psycopg2

from tests.chaos.load import HOT, Read, Reader, Said, over_http
from tests.chaos.prices import Price, raise_prices
from tests.chaos.waits import again_and_again
from tests.cluster.service_under_test import ClusterService

# nginx gives an instance up after 5 s, and has then to ask another one.
_SILENT_SECONDS = 6.0
_PRICES_AT_ONCE = 3


def through_any_nginx(service: ClusterService) -> AbstractContextManager[Reader]:
    """As clients of two addresses read: one that is not answered asks the other nginx, once, and stays there."""

    @contextmanager
    def reader() -> Iterator[Read]:
        with ExitStack() as closing:
            addresses = random.sample(service.fronts(), len(service.fronts()))
            readers = [over_http(each, timeout_seconds=_SILENT_SECONDS) for each in addresses]
            reads = deque(closing.enter_context(reader()) for reader in readers)

            def read(product_id: int) -> Said:
                said = reads[0](product_id)
                if said.status == 0:
                    reads.rotate(1)
                    said = reads[0](product_id)
                    service.gave_up.append(time.monotonic())
                return said

            yield read

    return nullcontext(reader)


@contextmanager
def price_feed(service: ClusterService) -> Iterator[list[Price]]:
    """Raise prices of hot products, 20 statements a second, while there is a primary that takes them."""
    prices: list[Price] = []

    def feed() -> None:
        with suppress(psycopg2.Error):
            prices.extend(raise_prices(service, random.sample(HOT, _PRICES_AT_ONCE)))

    with again_and_again(feed):
        yield prices
