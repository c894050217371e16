"""What each tier needs: processes, memory, links and hosts."""

from dataclasses import dataclass
from math import ceil

from deploy.capacity.costs import CHANGE, TIERS, CapacityError, Costs
from deploy.capacity.model import (
    Demand,
    batches_per_second,
    cores_of_calls,
    gbit_per_second,
    postgres_cores,
    processor_cores,
    requests_per_second,
    shards,
)


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


def plan(demand: Demand, costs: Costs, host: Host) -> dict[str, Need]:
    """What each tier needs."""
    rates = requests_per_second(demand)
    redis_gb = demand.products * costs.redis_bytes_a_product / 1e9
    postgres_gb = demand.products * costs.postgres_bytes_a_product / 1e9
    cores, instances, masters = _settled(demand, redis_gb, costs, host.load)
    wire, redis = gbit_per_second(rates, costs.wire_bytes), gbit_per_second(rates, costs.redis_bytes)
    misses = gbit_per_second(rates, {"miss": costs.wire_bytes["miss"]})
    processes = {
        "instance": instances,
        "redis": 2 * masters,
        "postgres": sum(
            max(1, ceil(used / host.cores / host.load)) for used in postgres_cores(demand, instances, costs)
        ),
    }
    memory_gb = {
        "instance": instances * costs.instance_mb / 1e3,
        "redis": 2 * redis_gb,
        "postgres": postgres_gb * processes["postgres"],
    }
    gbit = {"nginx": 2 * wire, "instance": wire + redis, "redis": redis, "postgres": misses}
    return {
        tier: _need(tier, cores[tier], processes.get(tier, ceil(cores[tier] / host.load)), memory_gb.get(tier, 0.0),
                    gbit.get(tier, 0.0), host)
        for tier in TIERS
    }  # fmt: skip


def _settled(demand: Demand, redis_gb: float, costs: Costs, load: float) -> tuple[dict[str, float], int, int]:
    """Cores by tier, instances and masters: more of either make more batches and calls, which may need more of them."""
    instances = masters = 1
    while True:
        cores = _cores(demand, instances, masters, costs)
        needed = ceil(cores["instance"] / load), shards(cores["redis"], redis_gb, load)
        if needed[0] <= instances and needed[1] <= masters:
            return cores, instances, masters
        instances, masters = max(instances, needed[0]), max(masters, needed[1])


def _cores(demand: Demand, instances: int, masters: int, costs: Costs) -> dict[str, float]:
    rates = requests_per_second(demand)
    batches = batches_per_second(rates, instances, costs)
    cores = processor_cores({**rates, **batches, CHANGE: demand.changes_per_second}, costs)
    further = cores_of_calls(demand, batches["look_up"], masters, costs)
    return {tier: used + further.get(tier, 0.0) for tier, used in cores.items()}


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
