"""What gives way next in a plan, and what removes it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from deploy.capacity.costs import Costs
from deploy.capacity.model import CONNECTIONS_AN_INSTANCE, MOST_REQUESTS, Demand, cores_of_hottest, postgres_cores
from deploy.capacity.plan import Host, Need, plan

_MOST_SHARDS = 500  # Redis Cluster is made for up to 1,000 nodes, a replica each included
_MOST_CONNECTIONS = 500
_MUCH_TRAFFIC_GBIT = 50
_TIMES = (1, 2, 5, 10, 20, 50, 100)


def next_bottlenecks(demand: Demand, costs: Costs, host: Host) -> Iterator[str]:
    """What gives way at this load, or else at the first multiple of its requests at which something does."""
    for times in _TIMES:
        larger = replace(demand, requests_per_second=min(MOST_REQUESTS, demand.requests_per_second * times))
        if found := list(bottlenecks(larger, plan(larger, costs, host), costs, host)):
            yield from found if times == 1 else (f"with {times} times the requests: {each}" for each in found)
            return


def bottlenecks(demand: Demand, needs: Mapping[str, Need], costs: Costs, host: Host) -> Iterator[str]:
    """One sentence for each, none where one of everything is enough."""
    if needs["nginx"].gbit / 2 > _MUCH_TRAFFIC_GBIT and demand.cdn_share < 0.9:
        yield "links: a CDN, by ETag and stale-while-revalidate, answers reads before they come here (--cdn)"
    hottest = cores_of_hottest(demand, needs["instance"].processes, costs)
    if hottest > host.load:
        yield (
            f"one key: the hottest alone takes {hottest:.1f} cores of its shard; MICRO_CACHE answers it in nginx; a "
            "small cache in each instance, invalidated by the same stream, is not built"
        )
    masters = needs["redis"].processes // 2
    if masters > _MOST_SHARDS:
        yield f"Redis: {masters:,} masters are more than one cluster is made for: a CDN, or a cluster for each region"
    elif masters > 1:
        yield f"Redis: one core is not enough, or one's memory: a cluster of {masters:,} masters"
    yield from _of_postgres(demand, needs, costs, host)
    if needs["invalidator"].cores > host.load:
        yield (
            f"invalidator: one process takes {needs['invalidator'].cores:.1f} cores: invalidations lag; fewer, larger "
            "transactions, or several by ranges of ids, which is not built"
        )


def _of_postgres(demand: Demand, needs: Mapping[str, Need], costs: Costs, host: Host) -> Iterator[str]:
    writes, reads = postgres_cores(demand, needs["instance"].processes, costs)
    most = host.cores * host.load
    if writes > most:
        yield f"Postgres, writes: {writes:,.0f} cores, a primary may use {most:g}: carts on several is not built"
    if reads > most:
        yield f"Postgres, misses: {reads:,.0f} cores, a replica may use {most:g}: more replicas"
    connections = needs["instance"].processes * CONNECTIONS_AN_INSTANCE
    if connections > _MOST_CONNECTIONS:
        yield f"Postgres, connections: {connections:,} of instances: pgbouncer"
