"""The Redis that REDIS_URL names, one server, a Sentinel group's master or a cluster, and the cache in it."""

from __future__ import annotations

from service.cache.aside import CacheAside, Lifetimes, Pending
from service.cache.cluster_cache import ClusterCache
from service.cache.redis_cluster import RedisCluster
from service.cache.redis_sentinel import SentinelServer
from service.cache.redis_store import RedisStore
from service.metrics.counting import Counts

Redis = RedisStore | RedisCluster


def open_redis(url: str, timeout_seconds: float, *, with_position: bool = False) -> Redis:
    """What is at ``url``; it is connected to when it is called. Raises SettingError for an invalid URL.

    Look-ups learn the position ``with_position``, see CacheAside.
    """
    if url.startswith(("redis+cluster://", "rediss+cluster://")):
        return RedisCluster(url, timeout_seconds, with_position=with_position)
    is_named = url.startswith(("redis+sentinel://", "rediss+sentinel://"))
    return RedisStore(SentinelServer(url) if is_named else url, timeout_seconds, with_position=with_position)


def open_cache(redis: Redis, lifetimes: Lifetimes, pending: Pending, openings: Counts) -> CacheAside | ClusterCache:
    """A cache in it; see CacheAside."""
    if isinstance(redis, RedisCluster):
        return ClusterCache(redis.topology, lifetimes, pending=pending, openings=openings)
    return CacheAside(redis, lifetimes, pending=pending, openings=openings)
