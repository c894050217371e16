"""An instance over a real cluster by the clock of a test, which learns the slots when the test says so."""

from contextlib import contextmanager
from math import inf

from service.cache.cluster_cache import ClusterCache
from service.cache.node_store import NodeStore
from service.cache.redis_cluster import RedisCluster
from service.cache.topology import Topology
from service.errors import RedisUnavailable
from tests.integration.model_redis import TIMEOUT_SECONDS, Held


class HeldNode(Held, NodeStore):
    """That of a master."""


class SteppedTopology(Topology):
    """Asks for the slots when a test says so, and at first."""

    def __init__(self, url, clock):
        super().__init__(url, TIMEOUT_SECONDS)
        self._clock = clock

    @property
    def is_in_trouble(self):
        return self._wanted.is_set()

    @property
    def is_closed(self):
        return self._closed

    def node(self, address, names=("",)):
        node = HeldNode(self._seeds[0].at(*address), TIMEOUT_SECONDS, names, self._wanted.set)
        node.clock = self._clock
        return node

    def refresh(self):
        self._wanted.clear()
        self._asked_at = -inf
        super().refresh()

    def _watch(self):
        pass


class HeldCluster(RedisCluster):
    """That of an instance, and of the invalidator, who comes again when the pauses of its circuit breakers are over."""

    def __init__(self, url, clock):
        super().__init__(url, TIMEOUT_SECONDS)
        self.topology = SteppedTopology(url, clock)

    async def put(self, epoch, entries):
        self._breakers.clear()
        return await super().put(epoch, entries)


class ClusterInstance:
    """A ``cache`` over the cluster, and the ``redis`` through which it is told what has changed."""

    def __init__(self, url, clock, lifetimes, pending):
        self.redis = HeldCluster(url, clock)
        self.cache = ClusterCache(self.redis.topology, lifetimes, clock, clock, pending)
        self._holding = set()

    def learn_slots(self):
        if not self.redis.topology.is_closed:
            self.redis.topology.refresh_if_it_can()

    @contextmanager
    def holding(self):
        """Fills of the block are held up on their way."""
        nodes = set(self.redis.topology.view.nodes.values())
        for node in nodes:
            node.holds = True
        yield
        for node in nodes:
            node.holds = False
        self._holding |= nodes

    def let_go(self):
        """What was held up arrives, and who finds that it cannot opens the circuit breaker."""
        for node in self._holding:
            try:
                node.let_go()
            except RedisUnavailable:
                self.cache._cache(node).catch_up.failed()
        self._holding.clear()
