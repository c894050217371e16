"""Whatever happens in whatever order, the cache gives nothing older than what it was told of.

A model of the catalogue changes, invalidations come late, twice and in any order, fills that began before a change end
after it, and Redis forgets everything; the cache is the service's own over a real Redis, read through two instances.
What is assumed of Redis: of what it holds, it drops nothing before its time but everything at once.
"""

from collections import defaultdict

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from service.cache.aside import CacheAside, Lifetimes
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.cache.redis_store import RedisStore
from service.catalogue import Kind
from service.catalogue.outbox import Outbox
from tests.integration.model_catalogue import PRODUCTS, Model, OutboxRows
from tests.stack import probes

LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=5)
# Most of what is drawn concerns one product and the last few things that happened to it: there are the races.
products, instances, recent = st.sampled_from((1, 1, 1, 2)), st.sampled_from((0, 1)), st.sampled_from((0, 0, 0, 1, 2))


class Cache(RuleBasedStateMachine):
    """See the module. ``told`` is, for each product, the newest state that an invalidation has been delivered of."""

    def __init__(self, redis_url):
        super().__init__()
        self.client = probes.client(redis_url)
        self.client.flushall()
        self.now = 1_000_000.0
        self.stores = [RedisStore(redis_url, 5.0) for _ in range(3)]
        self.caches = [CacheAside(store, LIFETIMES, lambda: self.now, lambda: self.now) for store in self.stores]
        self.model, self.fills, self.delivered = Model(), [], []
        self.told = dict.fromkeys(PRODUCTS, 0)
        self.served = defaultdict(int)

    def teardown(self):
        for store in self.stores:
            store.close()
        self.client.close()

    @rule(product_id=products)
    def change_or_insert(self, product_id):
        self.model.change(product_id, present=True)

    @rule(product_id=products)
    def delete(self, product_id):
        if self.model.states[product_id][-1] is not None:
            self.model.change(product_id, present=False)

    @rule()
    def load_in_bulk(self):
        self.model.load()

    @rule(instance=instances, product_id=products)
    def read(self, instance, product_id):
        """Never older than what the same instance served before; absence has no version to compare."""
        found = self._look_up(instance, product_id)
        served = found or self._fill(*self._begin_fill(instance, product_id))
        place = self.model.place(product_id, served, self.told[product_id])
        assert place is not None
        if served.body is not None:
            assert place >= self.served[instance, product_id]
            self.served[instance, product_id] = place

    @rule(instance=instances, product_id=products)
    def begin_a_slow_fill(self, instance, product_id):
        self._look_up(instance, product_id)
        self.fills.append(self._begin_fill(instance, product_id))

    @rule(instance=instances, product_id=products, seconds=st.sampled_from((0, 6, 11)), forgets=st.booleans())
    def overtake_a_slow_fill(self, instance, product_id, seconds, forgets):
        """The race itself, more often than it would be drawn; the end is drawn."""
        self.begin_a_slow_fill(instance, product_id)
        self.change_or_insert(product_id)
        self.deliver_an_invalidation(0)
        self.time_passes(seconds)
        if forgets:
            self.redis_forgets_everything()

    @precondition(lambda self: self.fills)
    @rule(age=recent)
    def end_a_slow_fill(self, age):
        self._fill(*self.fills.pop(-1 - age % len(self.fills)))

    @precondition(lambda self: self.model.rows)
    @rule(age=recent)
    def deliver_an_invalidation(self, age):
        row, place = self.model.rows[-1 - age % len(self.model.rows)]
        self._deliver(row[3], [row])
        self.delivered.append(row)
        self.told[row[1][0]] = max(self.told[row[1][0]], place)

    @precondition(lambda self: self.delivered)
    @rule(age=recent)
    def deliver_it_again_without_a_miss(self, age):
        before = self._served_products()
        row = self.delivered[-1 - age % len(self.delivered)]
        self._deliver(row[3], [row])
        assert self._served_products() == before

    @precondition(lambda self: self.model.loads)
    @rule()
    def deliver_the_epoch(self):
        epoch, places = self.model.loads[-1]
        self._deliver(epoch, [])
        for product_id, place in places.items():
            self.told[product_id] = max(self.told[product_id], place)

    @rule(seconds=st.sampled_from((1, 6, 11, 61, 101, 1001)))
    def time_passes(self, seconds):
        """The clocks go on, and what Redis keeps ages by as much."""
        self.now += seconds
        for name in self.client.scan_iter():
            left = self.client.pttl(name)
            if left > 0:
                self.client.pexpire(name, max(0, left - seconds * 1000))

    @rule()
    def redis_forgets_everything(self):
        self.client.flushall()
        self.client.script_flush()

    @rule(instance=instances)
    def what_is_there_and_told_is_cached_until_its_hard_expiry(self, instance):
        """Else all of this would hold for a cache that keeps nothing."""
        self._deliver(self.model.epoch, [row for row, _ in self.model.rows])
        self.told = {product_id: len(states) - 1 for product_id, states in self.model.states.items()}
        there = [product_id for product_id, states in self.model.states.items() if states[-1] is not None]
        for product_id in there:
            self._look_up(instance, product_id)
            self._fill(*self._begin_fill(instance, product_id))
            assert self._look_up(instance, product_id).outcome == "hit"
        self.time_passes(101)
        assert all(self._look_up(instance, product_id).outcome == "stale" for product_id in there)

    @invariant()
    def nothing_older_than_what_was_told_is_served(self):
        for product_id in PRODUCTS:
            if found := self._look_up(2, product_id):
                assert self.model.place(product_id, found, self.told[product_id]) is not None

    def _look_up(self, instance, product_id):
        (found,) = self.caches[instance].look_up([entry_name(Kind.CARD, product_id)])
        return found

    def _begin_fill(self, instance, product_id):
        cache = self.caches[instance]
        incarnation, began = cache.incarnation(), self.now
        return cache, product_id, self.model.document(product_id), began, incarnation

    def _fill(self, cache, product_id, document, began, incarnation):
        state = State.MISSING if document.body is None else State.PRESENT
        until, body = cache.fresh_until(state), document.body or b""
        entry = Entry(state, document.epoch, document.version, until, document.etag, body)
        cache.fill({entry_name(Kind.CARD, product_id): entry}, began, incarnation)
        return document

    def _deliver(self, epoch, rows):
        Outbox(OutboxRows(epoch, rows), self.stores[2]).drain()

    def _served_products(self):
        """Absence is told of without a version, so that a tombstone replaces it whenever it comes."""
        found = {product_id: self._look_up(2, product_id) for product_id in PRODUCTS}
        return [product_id for product_id, one in found.items() if one and one.body is not None]


def test_the_cache_gives_nothing_older_than_what_it_was_told_of(redis_url):
    run_state_machine_as_test(
        lambda: Cache(redis_url),
        settings=settings(
            max_examples=200,
            stateful_step_count=50,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
