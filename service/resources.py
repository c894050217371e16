"""Everything that an instance opens and must close: pools, clients, threads. Independent of Flask."""

from __future__ import annotations

from dataclasses import dataclass

from service.cache.aside import CacheAside, Lifetimes
from service.cache.redis_store import RedisStore
from service.cart.additions import Additions
from service.cart.carts import Carts
from service.cart.tokens import CartTokens
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import ADOPTION, DatabaseCatalogue
from service.metrics import Metrics
from service.postgres import Postgres
from service.settings import Settings


@dataclass(frozen=True)
class Resources:
    """The dependencies of the request handlers. Opening connects to nothing: both stores may be down.

    The fast path reads and writes over connections of its own: what holds up the slow path does not hold up the fast.
    """

    metrics: Metrics
    postgres: Postgres
    fast_postgres: Postgres
    redis: RedisStore
    database: DatabaseCatalogue
    catalogue: CachedCatalogue
    fast_catalogue: CachedCatalogue
    carts: Carts
    additions: Additions
    fast_additions: Additions
    tokens: CartTokens

    @classmethod
    def open(cls, settings: Settings) -> Resources:
        """Build them as the settings say."""
        metrics = Metrics()
        of_fast_path = settings.postgres_connections // 2
        postgres, fast_postgres = (
            Postgres(settings.database_url, size, settings.postgres_timeout_seconds, on_connect=ADOPTION)
            for size in (settings.postgres_connections - of_fast_path, of_fast_path)
        )
        redis = RedisStore(settings.redis_url, settings.redis_timeout_seconds)
        lifetimes = Lifetimes(settings.cache_fresh_seconds, settings.cache_keep_seconds, settings.cache_missing_seconds)
        database = DatabaseCatalogue(postgres)
        cache = CacheAside(redis, lifetimes, pending=database.pending_invalidations)
        catalogue, fast_catalogue = (
            CachedCatalogue(
                source,
                cache,
                metrics,
                wait_seconds=settings.postgres_timeout_seconds,
                shadow_share=settings.cache_shadow_percent / 100,
            )
            for source in (database, DatabaseCatalogue(fast_postgres))
        )
        limits = settings.cart_max_lines, settings.cart_max_items
        return cls(
            metrics,
            postgres,
            fast_postgres,
            redis,
            database,
            catalogue,
            fast_catalogue,
            Carts(postgres, *limits),
            Additions(postgres, *limits),
            Additions(fast_postgres, *limits),
            CartTokens(settings.cart_secrets()),
        )

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self.catalogue.close()
        self.fast_catalogue.close()
        self.redis.close()
        self.postgres.close()
        self.fast_postgres.close()
