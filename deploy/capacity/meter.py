"""Sends requests to a running stack, and tells what they used."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from deploy.capacity.burst import Connections
from deploy.capacity.costs import BATCHES, REQUESTS, TIERS
from deploy.capacity.stack import Stack
from deploy.local import probes
from deploy.local.processes import StackError
from service.cache.keys import entry_names
from service.catalogue import Kind

CONNECTIONS = 64
_SKUS = 100  # a cart has room for all of them
_CHANGED_AT_ONCE = 100
_DRAINED_SECONDS = 30
_LOOK_EVERY_SECONDS = 0.05
_TABLES = ("products", "features", "styles", "photos", "skus", "related_products", "product_blocks")
_READ = "GET /products/{}{} HTTP/1.1\r\nHost: measured\r\nAccept-Encoding: gzip\r\nUser-Agent: capacity\r\n\r\n"
_ADD = (
    "POST /cart HTTP/1.1\r\nHost: measured\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
    "User-Agent: capacity\r\n{}\r\n{}"
)


class Used(NamedTuple):
    """What some requests took: elapsed seconds, processor seconds by tier, batches by name, bytes."""

    requests: int
    elapsed: float
    seconds: Mapping[str, float]
    batches: Mapping[str, float]
    wire_bytes: int
    redis_bytes: int

    def less(self, idle: "Used") -> "Used":
        """Without the processor time that passes anyway: checks and polls, by the clock."""
        share = self.elapsed / idle.elapsed
        return self._replace(seconds={tier: used - idle.seconds[tier] * share for tier, used in self.seconds.items()})


class Meter:
    """Sends requests for the first ``products`` of the catalogue, and looks at what they use."""

    def __init__(self, stack: Stack, products: int) -> None:
        self._stack = stack
        self._tokens: list[str] = []
        self._closing = ExitStack()
        self._connections = self._closing.enter_context(Connections(stack.address, CONNECTIONS))
        self._redis = self._closing.enter_context(probes.client(stack.redis_url))
        # Open until the end: the processor time of a backend is gone with it.
        self._sql = self._closing.enter_context(probes.query(stack.database_url))
        self._ids, self._skus = self._first("products", products), self._first("skus", _SKUS)

    def __enter__(self) -> "Meter":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _first(self, table: str, count: int) -> list[int]:
        self._sql.execute(f"SELECT id FROM {table} ORDER BY id LIMIT %s", (count,))  # noqa: S608
        if not (found := [number for (number,) in self._sql.fetchall()]):
            raise StackError("the catalogue is empty: make seed")
        return found

    def warm(self, seconds: float) -> None:
        """Have every product, its pages and their parts in Redis, all fresh, and a new cart for each connection.

        Then some of all ``REQUESTS`` for so long: instances have connections to every store after that.
        """
        self._redis.unlink(*entry_names((kind, each) for kind in Kind for each in self._ids))
        for suffix in ("", "/styles", "/related", "/page"):
            for first in range(0, len(self._ids), CONNECTIONS):
                some = self._ids[first : first + CONNECTIONS]
                self._connections.burst([_READ.format(each, suffix).encode() for each in some])
        self._tokens = []
        new = [self._request("addition", 0, place) for place in range(CONNECTIONS)]
        self._tokens = [each.cart_token for each in self._connections.burst(new)]
        self.use(REQUESTS, seconds)

    def use(self, kinds: Sequence[str], seconds: float, at_once: int = CONNECTIONS) -> Used:
        """Send bursts of ``at_once`` requests, each of ``kinds`` in turn, for so long."""
        return self._watched(lambda: self._bursts(kinds, time.monotonic() + seconds, at_once))

    def rest(self, seconds: float) -> Used:
        """Send nothing for so long."""

        def resting() -> tuple[int, int]:
            time.sleep(seconds)
            return 0, 0

        return self._watched(resting)

    def change(self, seconds: float) -> Used:
        """Touch products, and wait until all invalidations are delivered."""
        return self._watched(lambda: (self._touch(time.monotonic() + seconds), 0))

    def _bursts(self, kinds: Sequence[str], until: float, at_once: int) -> tuple[int, int]:
        count = wire_bytes = 0
        while time.monotonic() < until:
            own = [kinds[(count + place) % len(kinds)] for place in range(at_once)]
            ids = random.choices(self._ids, k=at_once)  # noqa: S311
            requests = [self._request(*each) for each in zip(own, ids, range(at_once), strict=True)]
            if missed := [each for kind, each in zip(own, ids, strict=True) if kind == "miss"]:
                self._redis.unlink(*entry_names((Kind.PRODUCT, each) for each in missed))
            responses = self._connections.burst(requests)
            count += at_once
            wire_bytes += sum(map(len, requests)) + sum(each.size for each in responses)
        return count, wire_bytes

    def _request(self, kind: str, product_id: int, place: int) -> bytes:
        """One of ``REQUESTS``, as the connection at this place sends it."""
        if kind == "addition":
            body = f'{{"sku_id":{random.choice(self._skus)}}}'  # noqa: S311
            token = f"X-Cart-Token: {self._tokens[place]}\r\n" if self._tokens else ""
            return _ADD.format(len(body), token, body).encode()
        return _READ.format(product_id, "/page" if kind == "page" else "").encode()

    def _touch(self, until: float) -> int:
        count = 0
        while time.monotonic() < until:
            some = random.sample(self._ids, min(_CHANGED_AT_ONCE, len(self._ids)))
            self._sql.execute("UPDATE products SET default_price = default_price WHERE id = ANY (%s)", (some,))
            count += len(some)
        deadline = time.monotonic() + _DRAINED_SECONDS
        while not self._is_drained():
            if time.monotonic() > deadline:
                raise StackError(f"invalidations are not delivered within {_DRAINED_SECONDS} s")
            time.sleep(_LOOK_EVERY_SECONDS)
        return count

    def _is_drained(self) -> bool:
        self._sql.execute("SELECT NOT EXISTS (TABLE catalogue_outbox)")
        return bool(self._sql.fetchone()[0])

    def _watched(self, work: Callable[[], tuple[int, int]]) -> Used:
        batches, redis_bytes = self._stack.batches(), self._redis_bytes()
        seconds, began = self._stack.processor_seconds(), time.monotonic()  # last: asking takes some too
        count, wire_bytes = work()
        elapsed, after = time.monotonic() - began, self._stack.processor_seconds()
        redis_bytes, after_batches = self._redis_bytes() - redis_bytes, self._stack.batches()
        return Used(
            count,
            elapsed,
            {tier: after[tier] - seconds[tier] for tier in TIERS},
            {of: after_batches[of] - batches[of] for of in BATCHES},
            wire_bytes,
            redis_bytes,
        )

    def _redis_bytes(self) -> int:
        said = self._redis.info("stats")
        return said["total_net_input_bytes"] + said["total_net_output_bytes"]

    def redis_bytes_a_product(self) -> float:
        """Memory of all documents of a product, of those that have them all."""
        sample = random.sample(self._ids, min(100, len(self._ids)))
        of_each = [
            [self._redis.memory_usage(name) for name in entry_names((kind, each) for kind in Kind)] for each in sample
        ]
        by_kind = [[size for size in sizes if size] for sizes in zip(*of_each, strict=True)]
        return sum(sum(sizes) / len(sizes) for sizes in by_kind if sizes)

    def postgres_bytes_a_product(self) -> float:
        """Size of the catalogue's tables and indexes."""
        sizes = " + ".join(f"pg_total_relation_size('{table}')" for table in _TABLES)
        self._sql.execute(f"SELECT ({sizes})::float / (SELECT count(*) FROM products)")  # noqa: S608
        return float(self._sql.fetchone()[0])
