"""The two measurements, on a stack of its own: how long an old version is served, and a price feed beside readers."""

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from deploy.local import probes
from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from tests.bench.open_loop import OpenLoop, Outcome, percentile
from tests.e2e.service_under_test import Service, running
from tests.freshness.changes import Writer, subjects
from tests.freshness.feed import STATEMENTS, Feed, OutboxWatch, drained
from tests.freshness.reads import Reads, lags, returned

CHANGING = range(101_001, 101_008)  # the last one shows on the page of the one before
UNTOUCHED = range(102_001, 103_001)
FED = range(110_001, 130_001)
_CATALOGUE = Path(__file__).with_name("catalogue.sql").read_text("utf-8")
READS_A_SECOND, CHANGES_A_SECOND = 2000, 20
FEED_READS_A_SECOND, FEED_ROWS_A_SECOND, FEED_ROWS = 1500, 10_000, 500
_SHARE_OF_CHANGING = 0.8
_WARM_SECONDS = 5
_AFTER_SECONDS, _AFTER_MICRO_CACHE_SECONDS = 1, 3  # longer than the last changes may be hidden
_SETTLE_SECONDS = 60
_CONNECTIONS = 32


class Freshness(NamedTuple):
    """Lags in seconds, ascending; ``returned`` counts reads of an older version after a newer one had been served."""

    changes: int
    reads: int
    failed: int
    returned: int
    lags: list[float]

    def percentile(self, share: float) -> float:
        """The lag that this share of the changes did not exceed."""
        return percentile(self.lags, share)


class FeedFigures(NamedTuple):
    """Of a feed beside readers of what it leaves alone: hit rates without and with it, rows and age of the outbox."""

    rows_a_second: float
    statement_seconds: float
    reads: int
    failed: int
    hit_rate_before: float
    hit_rate: float
    oldest_seconds: float
    p99_read_seconds: float


@contextmanager
def private_service() -> Iterator[Service]:
    """The whole service on servers of its own, with the products that are to change and those that are not."""
    root = Path(tempfile.mkdtemp(prefix="freshness-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    try:
        with running(root, Ports().take, micro_cache=True) as service:
            fill(service, CHANGING, UNTOUCHED, FED)
            yield service
    finally:
        shutil.rmtree(root)


def fill(service: Service, *products: range) -> None:
    """Put products into the catalogue, and wait until the cache has been told."""
    insert(service.postgres.url, *products)
    _settle(service)


def insert(url: str, *products: range) -> None:
    """Put products into a catalogue."""
    with probes.query(url) as cursor:
        for ids in products:
            cursor.execute(_CATALOGUE, {"first": ids[0], "last": ids[-1]})
        cursor.execute("ANALYZE")


def freshness(
    service: Service,
    seconds: float,
    address: str | None = None,
    *,
    published: str | None = None,
    reads_a_second: float = READS_A_SECOND,
) -> Freshness:
    """Change products one by one while one instance, or another ``address``, is read; most reads are of those.

    They are changed in the service's database, or in the one at ``published`` from where they arrive.
    """
    changing = subjects(CHANGING)
    paths = [subject.path for subject in changing]
    writer = Writer(published or service.postgres.url, changing, CHANGES_A_SECOND, int(seconds * CHANGES_A_SECOND))
    reads = Reads(changing)

    def next_request() -> bytes:
        return _get(random.choice(paths) if random.random() < _SHARE_OF_CHANGING else _untouched())

    seconds += _AFTER_MICRO_CACHE_SECONDS if address else _AFTER_SECONDS
    address = address or service.instances[0].address
    loop = OpenLoop(address, next_request, reads_a_second, seconds, _CONNECTIONS, reads.take)
    writer.start()
    try:
        outcome = loop.run()
    finally:
        writer.stop()
    came_back = sum(len(returned(of)) for of in reads.of.values())
    failed = outcome.errors + reads.failed
    return Freshness(len(writer.changes), outcome.answers, failed, came_back, sorted(lags(writer.changes, reads.of)))


@contextmanager
def feeding(service: Service, rows_a_second: int = FEED_ROWS_A_SECOND) -> Iterator[Feed]:
    """A price feed meanwhile."""
    running_feed = Feed(service.postgres.url, FED, rows_a_second, FEED_ROWS, STATEMENTS)
    running_feed.start()
    try:
        yield running_feed
    finally:
        running_feed.stop()
        _settle(service)


def feed(service: Service, seconds: float, rows_a_second: int = FEED_ROWS_A_SECOND) -> FeedFigures:
    """Read what a feed does not touch, first without the feed and then beside it."""
    address = service.instances[0].address
    for product_id in UNTOUCHED:
        for path in ("/products/{}", "/products/{}/styles", "/products/{}/page"):
            service.get(path.format(product_id), address)
    before, _ = _hit_rate(address, min(_WARM_SECONDS, seconds))
    watch = OutboxWatch(service.postgres.url)
    with feeding(service, rows_a_second) as fed:
        watch.start()
        try:
            during, outcome = _hit_rate(address, seconds)
        finally:
            watch.stop()
    return FeedFigures(
        fed.rows_a_second,
        median(fed.seconds),
        outcome.answers,
        outcome.errors,
        before,
        during,
        max(watch.ages),
        outcome.percentile(0.99),
    )


def _hit_rate(address: str, seconds: float) -> tuple[float, Outcome]:
    outcomes: Counter[bytes] = Counter()

    def see(_: bytes, __: float, ___: float, answer: bytes) -> None:
        outcomes[answer.partition(b"X-Cache: ")[2].partition(b"\r\n")[0]] += 1

    outcome = OpenLoop(address, lambda: _get(_untouched()), FEED_READS_A_SECOND, seconds, _CONNECTIONS, see).run()
    return outcomes[b"hit"] / outcomes.total(), outcome


def _untouched() -> str:
    return f"/products/{random.choice(UNTOUCHED)}{random.choice(('', '/styles', '/page'))}"


def _get(path: str) -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: overview\r\n\r\n" % path.encode()


def _settle(service: Service) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while not drained(service.postgres.url):
        assert time.monotonic() < deadline, "the outbox does not become empty"
        time.sleep(0.02)
