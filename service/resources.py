"""Everything that an instance opens and must close: pools, clients, threads. Independent of Flask."""

from __future__ import annotations

from dataclasses import dataclass

from service.cache.aside import CacheAside, Lifetimes
from service.cache.redis_store import RedisStore
from service.cart.carts import Carts
from service.cart.tokens import CartTokens
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import ADOPTION, DatabaseCatalogue
from service.metrics import Metrics
from service.postgres import Postgres
from service.settings import Settings


@dataclass(frozen=True)
class Resources:
    """The dependencies of the request handlers. Opening connects to nothing: both stores may be down."""

    metrics: Metrics
    postgres: Postgres
    redis: RedisStore
    database: DatabaseCatalogue
    catalogue: CachedCatalogue
    carts: Carts
    tokens: CartTokens

    @classmethod
    def open(cls, settings: Settings) -> Resources:
        """Build them as the settings say."""
        metrics = Metrics()
        postgres = Postgres(
            settings.database_url,
            settings.postgres_connections,
            settings.postgres_timeout_seconds,
            on_connect=ADOPTION,
        )
        redis = RedisStore(settings.redis_url, settings.redis_timeout_seconds)
        lifetimes = Lifetimes(settings.cache_fresh_seconds, settings.cache_keep_seconds, settings.cache_missing_seconds)
        database = DatabaseCatalogue(postgres)
        cache = CacheAside(redis, lifetimes, pending=database.pending_invalidations)
        catalogue = CachedCatalogue(
            database,
            cache,
            metrics,
            wait_seconds=settings.postgres_timeout_seconds,
            shadow_share=settings.cache_shadow_percent / 100,
        )
        carts = Carts(postgres, settings.cart_max_lines)
        tokens = CartTokens(settings.cart_secret)
        return cls(metrics, postgres, redis, database, catalogue, carts, tokens)

    def close(self) -> None:
        """Stop the threads and close the connections."""
        self.catalogue.close()
        self.redis.close()
        self.postgres.close()
