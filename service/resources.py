"""Everything that an instance opens and must close: pools, clients, threads. Independent of Flask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from service import deadline
from service.cache.aside import Lifetimes
from service.cache.redis import Redis, open_cache, open_redis
from service.cart.additions import Additions
from service.cart.carts import Carts
from service.cart.tokens import CartTokens
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import ADOPTION, DatabaseCatalogue
from service.catalogue.replicas import SHARE_OF_DEADLINE, Replica, Replicas, ReplicatedLists
from service.metrics import Gauges, Metrics
from service.metrics.memory import SharedMemory
from service.postgres import Postgres, each_server
from service.settings import Settings
from service.version import fingerprint


@dataclass(frozen=True)
class Resources:
    """The dependencies of the request handlers. Opening connects to nothing: both stores may be down.

    The fast path reads and adds to carts over connections of their own: what holds up one does not hold up the others.
    """

    metrics: Metrics
    postgres: Postgres
    fast_postgres: Postgres
    additions_postgres: Postgres
    redis: Redis
    database: DatabaseCatalogue
    lists: DatabaseCatalogue | ReplicatedLists
    replicas: Sequence[Replicas]
    catalogue: CachedCatalogue
    fast_catalogue: CachedCatalogue
    carts: Carts
    additions: Additions
    fast_additions: Additions
    tokens: CartTokens

    @classmethod
    def open(cls, settings: Settings, memory: SharedMemory | None = None) -> Resources:
        """Build them as the settings say; metrics are in ``memory``, or in memory of their own."""
        metrics = Metrics(memory, settings.version or fingerprint())

        def pool(size: int) -> Postgres:
            return Postgres(
                settings.database_url,
                size,
                settings.postgres_timeout_seconds,
                on_connect=ADOPTION,
                metrics=metrics.pool,
                is_pooled=settings.postgres_pooler,
            )

        of_fast_path, of_additions = settings.postgres_connections // 2, settings.postgres_connections // 4
        postgres = pool(settings.postgres_connections - of_fast_path)
        fast_postgres = pool(of_fast_path - of_additions)
        additions_postgres = pool(of_additions) if of_additions else fast_postgres
        is_replicated = bool(settings.database_read_url)
        redis = open_redis(settings.redis_url, settings.redis_timeout_seconds, with_position=is_replicated)
        lifetimes = Lifetimes(settings.cache_fresh_seconds, settings.cache_keep_seconds, settings.cache_missing_seconds)
        database = DatabaseCatalogue(postgres)
        cache = open_cache(redis, lifetimes, partial(_pending, database, settings), metrics.breaker_openings)
        pairs = [(postgres, database), (fast_postgres, DatabaseCatalogue(fast_postgres))]
        replicas = [_replicas(settings, pool.size, metrics) for pool, _ in pairs] if is_replicated else []
        catalogue, fast_catalogue = (
            CachedCatalogue(
                source,
                cache,
                metrics,
                wait_seconds=settings.postgres_timeout_seconds,
                shadow_share=settings.cache_shadow_percent / 100,
                replicas=of_source.at if of_source else None,
            )
            for (_, source), of_source in zip_longest(pairs, replicas)
        )
        lists = ReplicatedLists(database, replicas[0], cache.latest_position) if is_replicated else database
        limits = settings.cart_max_lines, settings.cart_max_items
        pools = {postgres, fast_postgres, additions_postgres}
        metrics.gauges = lambda: Gauges(
            cache.is_down, sum(each.size for each in pools), sum(each.busy for each in pools)
        )
        metrics.history.start()
        return cls(
            metrics,
            postgres,
            fast_postgres,
            additions_postgres,
            redis,
            database,
            lists,
            replicas,
            catalogue,
            fast_catalogue,
            Carts(postgres, *limits),
            Additions(postgres, *limits, metrics),
            Additions(additions_postgres, *limits, metrics),
            CartTokens(settings.cart_secrets()),
        )

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self.metrics.history.stop()
        self.catalogue.close()
        self.fast_catalogue.close()
        self.redis.close()
        for each in self.replicas:
            each.close()
        self.postgres.close()
        self.fast_postgres.close()
        self.additions_postgres.close()


async def _pending(database: DatabaseCatalogue, settings: Settings) -> tuple[int, int]:
    """The pending invalidations, in half of the time that a read has: who waits for them has yet to be answered."""
    with deadline.within(settings.postgres_timeout_seconds / 2):
        return await database.pending_invalidations()


def _replicas(settings: Settings, size: int, metrics: Metrics) -> Replicas:
    """Of each host of DATABASE_READ_URL a pool of so many connections."""
    seconds = settings.postgres_timeout_seconds
    replicas = [
        Replica(address, Postgres(url, size, seconds * SHARE_OF_DEADLINE, metrics=metrics.pool, of_replica=True))
        for address, url in each_server(settings.database_read_url, "DATABASE_READ_URL").items()
    ]
    return Replicas(replicas, seconds, metrics.replica_reads)
