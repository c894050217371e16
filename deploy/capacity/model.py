"""The formulas. Every function is pure; names have the units."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log

from deploy.capacity.costs import CHANGE, REQUESTS, TIERS, CapacityError, Costs
from service.catalogue import Kind

MOST_REQUESTS = 1e12
_MOST_PRODUCTS = 2**31 - 1  # ids are integers
_EULER = 0.5772

# Assumed, not measured here: see docs/scale.md.
SHARD_GB = 16.0
CHANGES_A_CALL = 200
CONNECTIONS_AN_INSTANCE = 3

BATCHES_OF: Mapping[str, Mapping[str, int]] = {
    "look_up": {"hit": 1, "page": 2, "miss": 1},
    "load": {"miss": 1},
    "transaction": {"addition": 1},
}
"""How many batches a request is in; it shares each of them."""


@dataclass(frozen=True)
class Demand:
    """Requests a second of all clients, and products; ``changes_per_second`` are of products.

    Shares are from 0 to 1: of additions among all requests, of pages and of misses among reads, and of reads that a CDN
    answers. Raises CapacityError for what cannot be.
    """

    requests_per_second: float
    products: int
    page_share: float = 0.2
    miss_share: float = 0.01
    addition_share: float = 0.01
    cdn_share: float = 0.0
    changes_per_second: float = 100.0

    def __post_init__(self) -> None:
        for name in ("page_share", "miss_share", "addition_share", "cdn_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise CapacityError(f"{name} must be from 0 to 1, not {getattr(self, name):g}")
        if self.page_share + self.miss_share > 1:
            raise CapacityError("page_share and miss_share together are more than 1")
        if not 0 < self.requests_per_second <= MOST_REQUESTS or not 0 <= self.changes_per_second <= 1e9:
            raise CapacityError("requests and changes a second must be numbers above 0, at most 1e12 and 1e9")
        if not 1 <= self.products <= _MOST_PRODUCTS:
            raise CapacityError(f"products must be from 1 to {_MOST_PRODUCTS:,}: ids are integers of 32 bits")


def requests_per_second(demand: Demand) -> dict[str, float]:
    """What reaches nginx, by kind of request. A changed product is read anew: one miss for each of its documents."""
    additions = demand.requests_per_second * demand.addition_share
    reads = (demand.requests_per_second - additions) * (1 - demand.cdn_share)
    pages = reads * demand.page_share
    misses = min(reads - pages, reads * demand.miss_share + demand.changes_per_second * len(Kind))
    return {"hit": reads - pages - misses, "page": pages, "miss": misses, "addition": additions}


def batches_per_second(rates: Mapping[str, float], instances: int, costs: Costs) -> dict[str, float]:
    """Each request is alone where requests are few; one batch after another is in flight where they are many."""
    alone = {of: sum(rates[kind] * count for kind, count in kinds.items()) for of, kinds in BATCHES_OF.items()}
    return {of: min(most, instances * costs.batches_a_second[of]) for of, most in alone.items()}


def processor_cores(per_second: Mapping[str, float], costs: Costs) -> dict[str, float]:
    """Cores that each tier uses on one Redis, for rates of requests, of batches and of changes, by the costs alone."""
    return {tier: sum(rate * costs.processor_us[of][tier] for of, rate in per_second.items()) / 1e6 for tier in TIERS}


def shards(cores: float, memory_gb: float, load: float) -> int:
    """Masters of Redis: each has one core and so much memory."""
    return max(1, ceil(cores / load), ceil(memory_gb / SHARD_GB))


def calls_a_look_up(shard_count: int, keys: float) -> float:
    """Shards that the keys of one look-up are on, as expected of hashing."""
    return shard_count * (1 - (1 - 1 / shard_count) ** max(1.0, keys))


def cores_of_calls(demand: Demand, look_ups: float, shard_count: int, costs: Costs) -> dict[str, float]:
    """Cores that further shards cost, as look-ups are split, and the epoch is written to each shard with each call.

    A call to a further shard costs what a look-up does.
    """
    rates = requests_per_second(demand)
    requests = sum(rates[kind] * count for kind, count in BATCHES_OF["look_up"].items())
    further = look_ups * (calls_a_look_up(shard_count, requests / look_ups) - 1) if look_ups else 0.0
    changes = demand.changes_per_second
    epochs = max(changes / CHANGES_A_CALL, min(changes, CHANGES_A_CALL)) * (shard_count - 1)
    us = costs.processor_us["look_up"]
    cores = {"instance": further * us["instance"], "invalidator": epochs * us["instance"]}
    return {tier: used / 1e6 for tier, used in {**cores, "redis": (further + epochs) * us["redis"]}.items()}


def postgres_cores(demand: Demand, instances: int, costs: Costs) -> tuple[float, float]:
    """Cores of Postgres for writes, which a primary takes, and for misses, which replicas may take."""
    rates = requests_per_second(demand)
    batches = batches_per_second(rates, instances, costs)
    writes = {"addition": rates["addition"], "transaction": batches["transaction"], CHANGE: demand.changes_per_second}
    misses = {"miss": rates["miss"], "load": batches["load"]}
    return processor_cores(writes, costs)["postgres"], processor_cores(misses, costs)["postgres"]


def hottest_share(products: int) -> float:
    """Share of reads that go to the product that is read most, by Zipf's law with exponent 1."""
    return 1 / (log(products) + _EULER)


def cores_of_hottest(demand: Demand, instances: int, costs: Costs) -> float:
    """Cores of Redis that hits of the hottest product take, on one shard."""
    rates = {**dict.fromkeys(REQUESTS, 0.0), "hit": requests_per_second(demand)["hit"]}
    rates["hit"] *= hottest_share(demand.products)
    return processor_cores({**rates, **batches_per_second(rates, instances, costs)}, costs)["redis"]


def gbit_per_second(rates: Mapping[str, float], bytes_each: Mapping[str, float]) -> float:
    """What a link carries, both directions together."""
    return sum(rates[of] * bytes_each[of] for of in bytes_each) * 8 / 1e9
