"""Prints what a load needs, and what gives way next: ``python -m deploy.capacity --rps 1e6 --products 1e8``."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from math import isfinite
from pathlib import Path

from deploy.capacity.bottlenecks import next_bottlenecks
from deploy.capacity.costs import MEASURED, CapacityError, Costs, read
from deploy.capacity.model import Demand, batches_per_second, requests_per_second
from deploy.capacity.plan import HOSTS, Host, plan
from deploy.capacity.sensitivity import sensitivity

_SIZES = "; ".join(f"{host.name} {host.cores} cores, {host.memory_gb:g} GB" for host in HOSTS.values())
_EXPLAINED = (
    "Cores are those in use, by all processes of a tier together; Gbit/s are both directions together. "
    f"Hosts: {_SIZES}. docs/scale.md has the formulas, what is assumed, and how to measure the costs of your machine."
)
_FORM = "{:<12} {:>12} {:>12} {:>12} {:>12} {:>10}  {}"


def lines(demand: Demand, costs: Costs, host: Host) -> Iterator[str]:
    """The whole output."""
    needs = plan(demand, costs, host)
    rates = requests_per_second(demand)
    yield f"reach nginx each second: {', '.join(f'{rate:,.0f} of {of}' for of, rate in rates.items())}"
    batches = batches_per_second(rates, needs["instance"].processes, costs)
    yield f"in batches each second: {', '.join(f'{rate:,.0f} of {of}' for of, rate in batches.items())}"
    yield f"changes of products a second: {demand.changes_per_second:,.0f}; costs of {costs.machine}, {costs.date}"
    size = f"{host.cores} cores, {host.memory_gb:g} GB, {host.link_gbit:g} Gbit/s"
    yield f"{host.name} hosts: {size}, used to {host.load:.0%}"
    yield _FORM.format("", "cores used", "processes", "memory GB", "Gbit/s", "hosts", "bound by")
    for need in needs.values():
        figures = (
            f"{need.cores:,.1f}",
            f"{need.processes:,}",
            f"{need.memory_gb:,.1f}",
            f"{need.gbit:,.2f}",
            f"{need.hosts:,}",
        )
        yield _FORM.format(need.tier, *figures, need.bound)
    for each in next_bottlenecks(demand, costs, host):
        yield f"- {each}"


def _count(text: str) -> int:
    number = float(text)
    if not isfinite(number):
        raise ValueError
    return int(number)


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity", description=__doc__, epilog=_EXPLAINED)
    parser.add_argument("--rps", type=float, required=True, help="requests a second of all clients")
    parser.add_argument("--products", type=_count, required=True, help="products of the catalogue, at most 2^31 - 1")
    for name, field, meaning in (
        ("--pages", "page_share", "share of reads that are of whole pages"),
        ("--misses", "miss_share", "share of reads that Redis cannot answer"),
        ("--additions", "addition_share", "share of requests that add to a cart"),
        ("--cdn", "cdn_share", "share of reads that a CDN answers"),
    ):
        default = getattr(Demand, field)
        parser.add_argument(name, type=float, default=default, help=f"{meaning} ({default:g})")
    default = Demand.changes_per_second
    parser.add_argument(
        "--changes", type=float, default=default, help=f"products that change each second ({default:g})"
    )
    parser.add_argument("--host", choices=HOSTS, default="medium", help="size of the hosts (medium)")
    parser.add_argument(
        "--load", type=float, default=Host.load, help=f"share of a host that is used at most ({Host.load:g})"
    )
    parser.add_argument("--sensitivity", action="store_true", help="print also what twice as much of something changes")
    parser.add_argument("--costs", type=Path, default=MEASURED, help="file of costs; see deploy.capacity.measure")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Print one plan; an option that cannot be used is one message."""
    given = _parsed(arguments)
    try:
        shares = given.pages, given.misses, given.additions, given.cdn
        demand = Demand(given.rps, given.products, *shares, given.changes)
        planned = demand, read(given.costs), replace(HOSTS[given.host], load=given.load)
        print(*lines(*planned), *(sensitivity(*planned) if given.sensitivity else ()), sep="\n")
    except CapacityError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
