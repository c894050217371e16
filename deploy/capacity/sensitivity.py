"""How a plan changes where an assumption is wrong by half."""

from collections.abc import Iterator
from dataclasses import replace

from deploy.capacity.costs import TIERS, Costs
from deploy.capacity.model import Demand
from deploy.capacity.plan import Host, plan

_FORM = "{:<26}" + " {:>11}" * len(TIERS) + " {:>8}"
_OF_DEMAND = {
    "pages": "page_share",
    "misses": "miss_share",
    "additions": "addition_share",
    "changes": "changes_per_second",
    "products": "products",
}


def sensitivity(demand: Demand, costs: Costs, host: Host) -> Iterator[str]:
    """A table: cores in use by tier and hosts in all, as planned and with twice as much of one thing.

    Raises CapacityError where twice as much cannot be.
    """
    yield _FORM.format("cores used, with twice the", *TIERS, "hosts")
    yield _line("(as planned)", demand, costs, host)
    for name, field in _OF_DEMAND.items():
        yield _line(name, replace(demand, **{field: 2 * getattr(demand, field)}), costs, host)
    batches = {of: 2 * rate for of, rate in costs.batches_a_second.items()}
    yield _line("batches of an instance", demand, replace(costs, batches_a_second=batches), host)
    yield _line(
        "bytes of a product", demand, replace(costs, redis_bytes_a_product=2 * costs.redis_bytes_a_product), host
    )


def _line(name: str, demand: Demand, costs: Costs, host: Host) -> str:
    needs = plan(demand, costs, host)
    return _FORM.format(
        name, *(f"{needs[tier].cores:,.1f}" for tier in TIERS), f"{sum(need.hosts for need in needs.values()):,}"
    )
