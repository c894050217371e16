"""Measures what requests cost on this machine, on the stack of ``make up``: ``python -m deploy.capacity.measure``.

It adds to carts of its own, and touches products without changing them. It prints a file of costs.
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from deploy.capacity.burst import Connections, Response
from deploy.capacity.costs import CHANGE, REQUESTS, TIERS, Costs
from deploy.local import probes
from deploy.local.instances import CHECKOUT
from deploy.local.places import RunDirectory
from deploy.local.processes import StackError, descendants
from service.cache.keys import entry_names
from service.catalogue import Kind

CONNECTIONS = 64
_SKUS = 100  # a cart has room for all of them
_CHANGED_AT_ONCE = 100
_DRAINED_SECONDS = 30
_LOOK_EVERY_SECONDS = 0.05
_PROCESS_CLOCK = 2  # see clock_getcpuclockid(3): nanoseconds, with threads that have ended
_TABLES = ("products", "features", "styles", "photos", "skus", "related_products", "product_blocks")
_READ = "GET /products/{}{} HTTP/1.1\r\nHost: measured\r\nAccept-Encoding: gzip\r\nUser-Agent: capacity\r\n\r\n"
_ADD = (
    "POST /cart HTTP/1.1\r\nHost: measured\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
    "User-Agent: capacity\r\n{}\r\n{}"
)


class Stack(NamedTuple):
    """A running stack: nginx' address, process ids of each tier, URLs of the stores."""

    address: str
    roots: Mapping[str, Sequence[int]]
    redis_url: str
    database_url: str


class Used(NamedTuple):
    """What a number of requests took: processor seconds by tier, bytes to and from clients, bytes of Redis."""

    requests: int
    seconds: Mapping[str, float]
    wire_bytes: int
    redis_bytes: int

    def processor_us(self) -> dict[str, float]:
        """Of one request, by tier."""
        return {tier: seconds / self.requests * 1e6 for tier, seconds in self.seconds.items()}


def running(directory: RunDirectory) -> Stack:
    """The stack of ``make up``. Raises StackError if it does not run, or has stores that are not its own."""
    settings, state = directory.environment(), directory.state()
    if directory.supervisor() is None or "parts" not in state:
        raise StackError("the stack is not running: make up")
    pids = {part["name"]: [part["pid"]] for part in state["parts"]}
    instances = [pid for name, (pid,) in pids.items() if name.startswith("web.")]
    roots = {**pids, "instance": instances}
    if missing := [tier for tier in TIERS if tier not in roots]:
        raise StackError(f"processes of others cannot be measured: {', '.join(missing)}")
    address = settings["BASE_URL"].removeprefix("http://")
    return Stack(address, {tier: roots[tier] for tier in TIERS}, settings["REDIS_URL"], settings["DATABASE_URL"])


def processor_seconds(roots: Sequence[int]) -> float:
    """Processor time of these processes and all below them."""
    total = 0.0
    for pid in [each for root in roots for each in (root, *descendants(root))]:
        with suppress(OSError):  # it has ended
            total += time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)
    return total


class Meter:
    """Sends requests to ``stack`` and looks at what they use."""

    def __init__(self, stack: Stack, connections: Connections, products: int) -> None:
        self._stack, self._connections, self._count = stack, connections, CONNECTIONS
        self._tokens: list[str] = []
        self._closing = ExitStack()
        self._redis = self._closing.enter_context(probes.client(stack.redis_url))
        # Open until the end: the processor time of a backend is gone with it.
        self._sql = self._closing.enter_context(probes.query(stack.database_url))
        self._ids, self._skus = self._first("products", products), self._first("skus", _SKUS)

    def close(self) -> None:
        """Disconnect from the stores."""
        self._closing.close()

    def _first(self, table: str, count: int) -> list[int]:
        self._sql.execute(f"SELECT id FROM {table} ORDER BY id LIMIT %s", (count,))  # noqa: S608
        if not (found := [number for (number,) in self._sql.fetchall()]):
            raise StackError("the catalogue is empty: make seed")
        return found

    def request(self, kind: str, product_id: int, place: int) -> bytes:
        """One of ``REQUESTS``, as the connection at this place sends it."""
        if kind == "addition":
            body = f'{{"sku_id":{random.choice(self._skus)}}}'  # noqa: S311
            token = f"X-Cart-Token: {self._tokens[place]}\r\n" if self._tokens else ""
            return _ADD.format(len(body), token, body).encode()
        return _READ.format(product_id, "/page" if kind == "page" else "").encode()

    def warm(self) -> None:
        """Have every product of the sample, its pages and their parts in Redis, and a new cart for each connection."""
        for suffix in ("", "/styles", "/related", "/page"):
            for first in range(0, len(self._ids), self._count):
                some = self._ids[first : first + self._count]
                self._connections.burst([_READ.format(each, suffix).encode() for each in some])
        self._tokens = []
        new = [self.request("addition", 0, place) for place in range(self._count)]
        self._tokens = [each.cart_token for each in self._connections.burst(new)]

    def use(self, kinds: Sequence[str], seconds: float) -> Used:
        """Send bursts, each of ``kinds`` in turn, for so long."""
        return self._watched(lambda: self._bursts(kinds, time.monotonic() + seconds))

    def change(self, seconds: float) -> Used:
        """Touch products, and wait until all invalidations are delivered."""
        return self._watched(lambda: (self._touch(time.monotonic() + seconds), 0))

    def _bursts(self, kinds: Sequence[str], until: float) -> tuple[int, int]:
        count = wire_bytes = 0
        while time.monotonic() < until:
            own = [kinds[(count + place) % len(kinds)] for place in range(self._count)]
            ids = random.choices(self._ids, k=self._count)  # noqa: S311
            requests = [self.request(kind, *each) for kind, *each in zip(own, ids, range(self._count), strict=True)]
            if missed := [each for kind, each in zip(own, ids, strict=True) if kind == "miss"]:
                self._redis.unlink(*entry_names((Kind.PRODUCT, each) for each in missed))
            responses: list[Response] = self._connections.burst(requests)
            count += len(requests)
            wire_bytes += sum(map(len, requests)) + sum(each.size for each in responses)
        return count, wire_bytes

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
        before, redis_before = self._seconds(), self._redis_bytes()
        count, wire_bytes = work()
        after = self._seconds()
        seconds = {tier: after[tier] - before[tier] for tier in TIERS}
        return Used(count, seconds, wire_bytes, self._redis_bytes() - redis_before)

    def _seconds(self) -> dict[str, float]:
        return {tier: processor_seconds(roots) for tier, roots in self._stack.roots.items()}

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


def measure(stack: Stack, seconds: float, machine: str, products: int = 1000) -> Costs:
    """Each kind of request for so long, for the first ``products``. Raises StackError where one fails."""
    with Connections(stack.address, CONNECTIONS) as connections:
        meter = Meter(stack, connections, products)
        try:
            meter.warm()
            meter.use(REQUESTS, seconds / 4)  # instances have connections to every store then
            redis_bytes = meter.redis_bytes_a_product()
            used = {kind: meter.use([kind], seconds) for kind in REQUESTS}
            used[CHANGE] = meter.change(seconds)
            postgres_bytes = meter.postgres_bytes_a_product()
        finally:
            meter.close()
    return Costs(
        machine,
        datetime.now(UTC).date().isoformat(),
        {of: {tier: round(us, 2) for tier, us in one.processor_us().items()} for of, one in used.items()},
        {kind: round(used[kind].wire_bytes / used[kind].requests) for kind in REQUESTS},
        {kind: round(used[kind].redis_bytes / used[kind].requests) for kind in REQUESTS},
        round(redis_bytes),
        round(postgres_bytes),
        round(_resident_mb(stack.roots["instance"]) / len(stack.roots["instance"])),
    )


def _resident_mb(roots: Sequence[int]) -> float:
    pids = [each for root in roots for each in (root, *descendants(root))]
    texts = [Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in pids]
    return sum(int(line.split()[1]) for text in texts for line in text.splitlines() if line.startswith("Pss:")) / 1e3


def main() -> int:
    """Measure, and print the costs."""
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity.measure", description=__doc__)
    parser.add_argument("--directory", type=Path, default=CHECKOUT / ".run", help="where the stack's state is (.run)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each kind of request (5)")
    parser.add_argument("--machine", default="this machine", help="what to call it")
    given = parser.parse_args()
    try:
        print(measure(running(RunDirectory(given.directory)), given.seconds, given.machine).text(), end="")
    except (StackError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
