"""Whatever happens in whatever order, the cache gives nothing older than what it was told of, or gave before.

A model of the catalogue changes under open writers, and fails over to a standby that lacks the last commits.
Invalidations come late, twice and in any order; fills that began before a change end after it, or are held up on their
way. Redis forgets everything, loses its epoch, and comes back with an older data set. The cache is the service's own
over a real Redis, read through two instances, which are started anew.

What is assumed of Redis: of what it holds, it drops nothing before its time but everything at once.
"""

from functools import partial

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.coroutines import block_on
from tests.integration.model_catalogue import PRODUCTS
from tests.integration.model_redis import DataSet
from tests.integration.rules_of_stores import StoreRules, instances, losses, products, recent
from tests.integration.watched_cache import INSTANCES, WATCHER

lifetimes, ends = st.sampled_from((0, 6, 11, 61)), st.sampled_from((True, True, False))


class Cache(StoreRules, RuleBasedStateMachine):
    """See the module."""

    @initialize()
    def both_products_are_there(self):
        for product_id in PRODUCTS:
            self.change_or_insert(product_id)
        self.deliver_everything()

    @rule(product_id=products, changes_now=st.booleans(), instance=instances, ends=ends)
    def raise_the_epoch_under_a_writer(self, product_id, changes_now, instance, ends):
        self.open_a_writer(product_id, changes_now)
        self.raise_the_epoch(whole=False)
        self.read(instance, product_id)
        if ends and self.model.writers:
            self.commit_a_writer(0)
            self.deliver_everything()

    @rule(instance=instances, product_id=products, changes=st.integers(0, 2))
    def lose_what_was_committed(self, instance, product_id, changes):
        """With another change at a version that the lost one had, or another epoch."""
        self.the_standby_follows()
        for _ in range(changes):
            self.change_or_insert(product_id)
        self.deliver_everything()
        self.read(instance, product_id)
        self.fail_over_to_the_standby()
        self.change_or_insert(product_id)

    # Readers.

    @rule(instance=instances, product_id=products)
    def read(self, instance, product_id):
        """Never older than what the same instance answered before; absence has no version to compare."""
        found = self._look_up_if_it_can(instance)[product_id]
        if found is None:
            self._fill(*self._begin_fill(instance, product_id))
        else:
            self._is_not_older(product_id, found, self.served[instance])

    @rule(instance=instances, product_id=products, follows=st.booleans(), changes=st.booleans(), seconds=lifetimes)
    def read_a_replica_that_lags(self, instance, product_id, follows, changes, seconds):
        """By so long that what it lacks has no tombstone any more."""
        if follows:
            self.model.replica_follows()
        if changes:
            self.change_or_insert(product_id)
            self.deliver_everything()
        self.time_passes(seconds)
        if self._look_up_if_it_can(instance)[product_id] is None:
            self._read_the_replica(instance, product_id)

    @rule(instance=instances, product_id=products, seconds=st.sampled_from((6, 61)))
    def read_a_replica_after_a_look_up_of_long_ago(self, instance, product_id, seconds):
        self.model.replica_follows()
        self._look_up_if_it_can(instance)
        self.change_or_insert(product_id)
        self.deliver_everything()
        self.time_passes(seconds)
        self._read_the_replica(instance, product_id)

    @rule(instance=instances, product_id=products, reads=st.booleans())
    def begin_a_slow_fill(self, instance, product_id, reads):
        """It reads now, or as late as it ends."""
        self._look_up_if_it_can(instance)
        incarnation, began = block_on(self.caches[instance].incarnation()), self.now
        document = self.model.document(product_id) if reads else None
        self.fills.append((instance, product_id, document, began, incarnation))

    @rule(instance=instances, product_id=products, seconds=lifetimes, loses=losses, held=st.booleans(), ends=ends)
    def overtake_a_slow_fill(self, instance, product_id, seconds, loses, held, ends):
        """The race itself, more often than it would be drawn; often the end is drawn."""
        self.begin_a_slow_fill(instance, product_id, reads=True)
        if held:
            self.hold_up_a_slow_fill(0)
        self.save_the_data_set()
        self.change_or_insert(product_id)
        self.deliver_everything()
        self.time_passes(seconds)
        self.redis_loses(loses)
        if ends:
            self.end_a_slow_fill(0)

    @precondition(lambda self: self.fills)
    @rule(age=recent)
    def hold_up_a_slow_fill(self, age):
        """Between the check of its age and the script."""
        instance, *fill = self.fills.pop(-1 - age % len(self.fills))
        with self.instances[instance].holding():
            self._fill(instance, *fill, answers=False)

    @rule(age=recent)
    def end_a_slow_fill(self, age):
        for instance in INSTANCES:
            self.instances[instance].let_go()
        if self.fills:
            self._fill(*self.fills.pop(-1 - age % len(self.fills)))

    @rule(instance=instances, product_id=products, loses=losses)
    def fill_again_what_others_have_older(self, instance, product_id, loses):
        """Who begins before Redis has lost something, and reads after a change, has no place for its answer."""
        self.begin_a_slow_fill(instance, product_id, reads=False)
        self.redis_loses(loses)
        self.read(1 - instance, product_id)
        self.change_or_insert(product_id)
        self.end_a_slow_fill(0)
        self.time_passes(1)
        self.read(instance, product_id)

    @rule(instance=instances, product_id=products, all_changes=st.booleans())
    def read_past_redis_and_then_from_it(self, instance, product_id, all_changes):
        """It was not told meanwhile, and not by this instance, which could not reach it."""
        self.read(instance, product_id)
        self.connections_are_closed({instance})
        if all_changes:
            self.raise_the_epoch(whole=False)
        else:
            self.change_or_insert(product_id)
        self.read(instance, product_id)
        self.time_passes(1)
        self.read(instance, product_id)

    @rule(instance=instances)
    def start_an_instance_anew(self, instance):
        self.instances[instance].redis.close()
        self.fills = [fill for fill in self.fills if fill[0] != instance]
        self.served[instance] = dict.fromkeys(PRODUCTS, 0)
        self._start(instance)

    # The invalidator.

    @precondition(lambda self: self.model.outbox)
    @rule(age=recent)
    def deliver_an_invalidation(self, age):
        ids = list(self.model.outbox)
        self._deliver([ids[-1 - age % len(ids)]])

    @rule()
    def deliver_everything(self):
        self._deliver(list(self.model.outbox))

    @precondition(lambda self: self.delivered)
    @rule(age=recent)
    def deliver_it_again_without_a_miss(self, age):
        self._settle()
        self._deliver([])
        before = self._served_products()
        self._drain([self.delivered[-1 - age % len(self.delivered)]])
        assert self._served_products() == before

    @rule(instance=instances, product_id=products, loses=losses, seconds=st.sampled_from((0, 61)))
    def redis_loses_what_it_was_told(self, instance, product_id, loses, seconds):
        """What is read after it is drawn. The other race."""
        self.read(instance, product_id)
        self.save_the_data_set()
        self.change_or_insert(product_id)
        self.deliver_everything()
        self.time_passes(seconds)
        self.redis_loses(loses)
        self.deliver_everything()

    @rule(instance=instances)
    def what_is_there_and_told_is_cached_until_its_hard_expiry(self, instance):
        """Else all of this would hold for a cache that keeps nothing."""
        self._settle()
        self.deliver_everything()
        self.time_passes(1)  # the breaker lets a look-up through, which may meet a connection that was closed
        self._look_up_if_it_can(instance)
        self.time_passes(1)
        there = [product_id for product_id in PRODUCTS if self.model.contents[product_id][-1].body is not None]
        for product_id in there:
            self._look_up(instance)
            self._fill(*self._begin_fill(instance, product_id))
            assert self._look_up(instance)[product_id].outcome == "hit"
        self.time_passes(101)
        assert all(self._look_up(instance)[product_id].outcome == "stale" for product_id in there)

    @invariant()
    def nothing_older_than_what_was_told_or_given_is_given(self):
        self._look_up_if_it_can(WATCHER)


def test_the_cache_gives_nothing_older_than_what_it_was_told_of(redis_url):
    run_state_machine_as_test(
        lambda: Cache(partial(DataSet, redis_url)),
        settings=settings(
            max_examples=100,
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
