"""What test_no_stale_fill.py says holds of a cluster too, whose masters fail over while its slots move.

Each of three masters has a replica, which takes over with what it has; what it lacks is lost. Slots of the products,
and those of epochs, go from one to another, whole or half-way, and the two instances and the invalidator learn of it
at different times.
"""

from contextlib import suppress
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from service.cache.slots import slot_of
from service.errors import RedisUnavailable
from tests.integration.clusters import Cluster
from tests.integration.model_cluster import ClusterData
from tests.integration.rules_of_stores import instances, losses, products
from tests.integration.test_no_stale_fill import Cache
from tests.integration.watched_cache import NAMES

_ATTEMPTS = 4

shards, seldom = st.integers(0, 2), st.sampled_from((False,) * 19 + (True,))


class CacheInACluster(Cache):
    """See the module."""

    @rule(shard=shards)
    def losses_are_of_another_master(self, shard):
        self.data.shard = shard

    @rule(product_id=products)
    def losses_are_of_the_master_of_a_product(self, product_id):
        self.data.shard = self.data.owner(slot_of(NAMES[product_id - 1]))

    @rule(killed=seldom)
    def a_master_fails_over(self, killed):
        if killed:
            self.data.kill()
        else:
            self.data.come_back()

    @rule(instance=instances)
    def learn_the_slots(self, instance):
        self.instances[instance].learn_slots()

    @precondition(lambda self: self.data.moving is None)
    @rule(product_id=products, to=shards, moves_names=st.booleans())
    def a_slot_begins_to_move(self, product_id, to, moves_names):
        self._begin_move(slot_of(NAMES[product_id - 1]), to)
        if moves_names and self.data.moving:
            self.data.move_names()

    @precondition(lambda self: self.data.moving is None)
    @rule(to=shards)
    def the_slot_of_an_epoch_begins_to_move(self, to):
        self._begin_move(self.data.slot_of_epoch(), to)

    @rule()
    def a_slot_has_moved(self):
        self.data.end_move()

    @rule(instance=instances, product_id=products, to=shards, whole=st.booleans(), learns=st.booleans(), loses=losses)
    def overtake_a_slow_fill_by_a_slot(self, instance, product_id, to, whole, learns, loses):
        """It ends where the slot was, or where it is now."""
        self.read(instance, product_id)
        self.change_or_insert(product_id)
        self.begin_a_slow_fill(instance, product_id, reads=True)
        self._move(slot_of(NAMES[product_id - 1]), to, whole=whole)
        self.change_or_insert(product_id)
        self.deliver_everything()
        self.redis_loses(loses)
        if learns:
            self.learn_the_slots(instance)
        self.end_a_slow_fill(0)
        self.read(instance, product_id)

    @rule(instance=instances, product_id=products, to=shards, loses=losses)
    def a_slot_goes_and_comes_back(self, instance, product_id, to, loses):
        slot = slot_of(NAMES[product_id - 1])
        self.read(instance, product_id)
        self.read(instance, product_id)
        home = self.data.owner(slot)
        self._move(slot, to, whole=True)
        self.data.shard = to
        self.save_the_data_set()
        self.change_or_insert(product_id)
        self.deliver_everything()
        self.redis_loses(loses)
        self._move(slot, home, whole=True)
        self.read(instance, product_id)

    def _move(self, slot, target, *, whole):
        self.data.end_move()
        self._begin_move(slot, target)
        if whole:
            self.data.end_move()
        elif self.data.moving:
            self.data.move_names()

    def _begin_move(self, slot, target):
        if self.data.owner(slot) != target:
            self.data.begin_move(slot, target)

    def _drain(self, rows):
        """As often as the invalidator has to come again: slots, and the names of epochs, may be others."""
        for _ in range(_ATTEMPTS):
            with suppress(RedisUnavailable):
                return super()._drain(rows)
            self.data.learn_slots()
        return super()._drain(rows)

    def _settle(self):
        self.data.end_move()
        self.data.learn_slots()


@pytest.fixture
def cluster(server_root, free_port):
    cluster = Cluster(server_root, free_port)
    for node in cluster.nodes:  # a busy machine is no failure
        node.client.config_set("cluster-node-timeout", 60_000)
    yield cluster
    cluster.stop()


def test_a_cluster_gives_nothing_older_than_what_it_was_told_of(cluster):
    run_state_machine_as_test(
        lambda: CacheInACluster(partial(ClusterData, cluster)),
        settings=settings(
            max_examples=settings.default.max_examples // 12,  # of a profile for longer runs
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
