"""The formulas. Every function is pure; names have the units."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, log

from deploy.capacity.costs import CHANGE, TIERS, CapacityError, Costs
from service.catalogue import Kind

_MOST_PRODUCTS = 2**31 - 1  # ids are integers
_EULER = 0.5772

# Assumed, not measured here: see docs/scale.md.
SHARD_GB = 16.0
REQUESTS_A_LOOK_UP = 25
SHARD_CALL_US: Mapping[str, float] = {"instance": 40.0, "invalidator": 40.0, "redis": 20.0}
CHANGES_A_CALL = 200
CONNECTIONS_AN_INSTANCE = 3


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
        if not 0 < self.requests_per_second <= 1e12 or not 0 <= self.changes_per_second <= 1e9:
            raise CapacityError("requests and changes a second must be numbers above 0, at most 1e12 and 1e9")
        if not 1 <= self.products <= _MOST_PRODUCTS:
            raise CapacityError(f"products must be from 1 to {_MOST_PRODUCTS:,}: ids are integers of 32 bits")


@dataclass(frozen=True)
class Host:
    """One machine. Of its processors and its link, ``load`` is used at most, from 0 to 1."""

    name: str
    cores: int
    memory_gb: float
    link_gbit: float
    load: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.load <= 1:
            raise CapacityError(f"load must be above 0 and at most 1, not {self.load:g}")


HOSTS = {
    host.name: host for host in (Host("small", 4, 16, 5), Host("medium", 16, 64, 12.5), Host("large", 64, 256, 50))
}


@dataclass(frozen=True)
class Need:
    """What a tier needs; ``cores`` are in use, ``gbit`` is what its links carry, ``bound`` what hosts lack first."""

    tier: str
    cores: float
    processes: int
    memory_gb: float
    gbit: float
    hosts: int
    bound: str


def requests_per_second(demand: Demand) -> dict[str, float]:
    """What reaches nginx, by kind of request. A changed product is read anew: one miss for each of its documents."""
    additions = demand.requests_per_second * demand.addition_share
    reads = (demand.requests_per_second - additions) * (1 - demand.cdn_share)
    pages = reads * demand.page_share
    misses = min(reads - pages, reads * demand.miss_share + demand.changes_per_second * len(Kind))
    return {"hit": reads - pages - misses, "page": pages, "miss": misses, "addition": additions}


def processor_cores(rates: Mapping[str, float], changes_per_second: float, costs: Costs) -> dict[str, float]:
    """Cores that each tier uses on one Redis, by the costs alone."""
    all_rates = {**rates, CHANGE: changes_per_second}
    return {tier: sum(rate * costs.processor_us[of][tier] for of, rate in all_rates.items()) / 1e6 for tier in TIERS}


def shards(cores: float, memory_gb: float, load: float) -> int:
    """Masters of Redis: each has one core and so much memory."""
    return max(1, ceil(cores / load), ceil(memory_gb / SHARD_GB))


def calls_a_look_up(shard_count: int) -> float:
    """Shards that the keys of one look-up are on, as expected of hashing."""
    return shard_count * (1 - (1 - 1 / shard_count) ** REQUESTS_A_LOOK_UP)


def cores_of_calls(demand: Demand, shard_count: int) -> dict[str, float]:
    """Cores that further shards cost: look-ups are split, and the epoch is written to each shard with each call."""
    reads = sum(requests_per_second(demand).values())
    look_ups = reads / REQUESTS_A_LOOK_UP * (calls_a_look_up(shard_count) - 1)
    changes = demand.changes_per_second
    epochs = max(changes / CHANGES_A_CALL, min(changes, CHANGES_A_CALL)) * (shard_count - 1)
    calls = {"instance": look_ups, "invalidator": epochs, "redis": look_ups + epochs}
    return {tier: count * SHARD_CALL_US[tier] / 1e6 for tier, count in calls.items()}


def hottest_share(products: int) -> float:
    """Share of reads that go to the product that is read most, by Zipf's law with exponent 1."""
    return 1 / (log(products) + _EULER)


def gbit_per_second(rates: Mapping[str, float], bytes_each: Mapping[str, float]) -> float:
    """What a link carries, both directions together."""
    return sum(rates[of] * bytes_each[of] for of in bytes_each) * 8 / 1e9


def plan(demand: Demand, costs: Costs, host: Host) -> dict[str, Need]:
    """What each tier needs."""
    rates = requests_per_second(demand)
    cores = processor_cores(rates, demand.changes_per_second, costs)
    redis_gb = demand.products * costs.redis_bytes_a_product / 1e9
    postgres_gb = demand.products * costs.postgres_bytes_a_product / 1e9
    count = _settled_shards(demand, cores["redis"], redis_gb, host.load)
    for tier, more in cores_of_calls(demand, count).items():
        cores[tier] += more
    wire, redis = gbit_per_second(rates, costs.wire_bytes), gbit_per_second(rates, costs.redis_bytes)
    misses = gbit_per_second(rates, {"miss": costs.wire_bytes["miss"]})
    processes = {
        "instance": ceil(cores["instance"] / host.load),
        "redis": 2 * count,
        "postgres": 1 + max(1, ceil(cores["postgres"] / host.cores / host.load)),
    }
    memory_gb = {
        "instance": processes["instance"] * costs.instance_mb / 1e3,
        "redis": 2 * redis_gb,
        "postgres": postgres_gb * processes["postgres"],
    }
    gbit = {"nginx": 2 * wire, "instance": wire + redis, "redis": redis, "postgres": misses}
    return {
        tier: _need(tier, cores[tier], processes.get(tier, ceil(cores[tier] / host.load)), memory_gb.get(tier, 0.0),
                    gbit.get(tier, 0.0), host)
        for tier in TIERS
    }  # fmt: skip


def _settled_shards(demand: Demand, cores: float, memory_gb: float, load: float) -> int:
    """More shards cost more calls, which may need more shards."""
    count = 1
    while (needed := shards(cores + cores_of_calls(demand, count)["redis"], memory_gb, load)) > count:
        count = needed
    return count


def _need(tier: str, cores: float, processes: int, memory_gb: float, gbit: float, host: Host) -> Need:
    in_memory = memory_gb if tier != "postgres" else 0.0  # its data may be on disk
    by = {
        "cores": ceil(cores / host.cores / host.load),
        "memory": ceil(in_memory / host.memory_gb),
        "link": ceil(gbit / host.link_gbit / host.load),
    }
    bound = max(by, key=lambda name: by[name])
    hosts = max(1, by[bound], processes if tier == "postgres" else 0)
    return Need(tier, cores, max(1, processes), memory_gb, gbit, hosts, bound)
