"""The cache over a real Redis and a model of the catalogue; each answer is compared with those before."""

from contextlib import suppress

from service.cache.aside import Lifetimes
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.catalogue import Kind
from service.catalogue.outbox import Outbox
from service.coroutines import block_on
from service.errors import RedisUnavailable
from tests.integration.model_catalogue import PRODUCTS, Model

LIFETIMES = Lifetimes(fresh_seconds=100, keep_seconds=1000, missing_seconds=5)
NAMES = [entry_name(Kind.PRODUCT, product_id) for product_id in PRODUCTS]
INSTANCES, WATCHER = (0, 1), 2  # whose connections are the invalidator's too, and are lost unnoticed


class WatchedCache:
    """Two instances, an invalidator, and who looks after each step.

    Of each product it has the index of the newest content that an invalidation has been delivered of (``told``), that
    the cache took, or gave to a reader of any instance (``cached``), that an instance answered with (``served``).
    ``open_data`` opens the data set of the Redis, with a clock.
    """

    def __init__(self, open_data):
        super().__init__()
        self.now = 1_000_000.0
        self.data = open_data(self.clock)
        self.model, self.fills, self.delivered = Model(), [], []
        self.instances, self.caches = {}, {}
        self.told, self.cached = dict.fromkeys(PRODUCTS, 0), dict.fromkeys(PRODUCTS, 0)
        self.served = {instance: dict.fromkeys(PRODUCTS, 0) for instance in INSTANCES}
        for instance in (*INSTANCES, WATCHER):
            self._start(instance)
        self.outbox = Outbox(self.model, self.instances[WATCHER].redis)

    def teardown(self):
        for instance in self.instances.values():
            instance.redis.close()
        self.data.close()

    def clock(self):
        return self.now

    def _start(self, instance):
        self.instances[instance] = self.data.open(LIFETIMES, self.model.pending)
        self.caches[instance] = self.instances[instance].cache

    def _look_up(self, instance):
        found = dict(zip(PRODUCTS, block_on(self.caches[instance].look_up(NAMES)), strict=True))
        for product_id, one in found.items():
            if one is not None:
                self._is_not_older(product_id, one, self.cached)
        return found

    def _look_up_if_it_can(self, instance):
        with suppress(RedisUnavailable):
            return self._look_up(instance)
        return dict.fromkeys(PRODUCTS)

    def _is_not_older(self, product_id, document, places):
        if document.body in self.model.lost:
            return
        since = self.told[product_id] if document.body is None else max(self.told[product_id], places[product_id])
        place = self.model.place(product_id, document.body, since)
        assert place is not None, (product_id, document, since, self.model.contents)
        if document.body is not None:
            places[product_id] = place

    def _begin_fill(self, instance, product_id):
        incarnation, began = block_on(self.caches[instance].incarnation()), self.now
        return instance, product_id, self.model.document(product_id), began, incarnation

    def _read_the_replica(self, instance, product_id):
        """Fill the cache as the replica has it, where it may be read; what is refused is read from the primary."""
        incarnation, began = block_on(self.caches[instance].incarnation()), self.now
        document = self.model.replicated_document(product_id, self._position(instance, product_id, incarnation))
        if document is None or not self._fill(instance, product_id, document, began, incarnation, answers=None):
            self._fill(*self._begin_fill(instance, product_id))

    def _position(self, instance, product_id, incarnation):
        with suppress(RedisUnavailable):
            return block_on(self.caches[instance].position_of([NAMES[product_id - 1]], incarnation))
        return None

    def _fill(self, instance, product_id, document, began, incarnation, answers=True):
        document = document or self.model.document(product_id)
        state = State.MISSING if document.body is None else State.PRESENT
        cache = self.caches[instance]
        until, body = cache.fresh_until(state), document.body or b""
        entry = Entry(state, document.epoch, document.version, until, document.etag, body)
        stored = block_on(cache.fill({entry_name(Kind.PRODUCT, product_id): entry}, began, incarnation))
        if stored:
            if document.epoch == self.model.epoch and self.model.is_adopted():
                self.model.lost.clear()
            self._is_not_older(product_id, document, self.cached)
        place = self.model.place(product_id, document.body, 0)
        if answers is None:
            answers = stored
        if answers and place and document.body is not None:  # who asked before may be given less than others were
            self.served[instance][product_id] = max(self.served[instance][product_id], place)
        return stored

    def _deliver(self, row_ids):
        self.model.adopt(0, 0)
        places = [(self.model.outbox[row_id][0], self.model.outbox[row_id][3]) for row_id in row_ids]
        rows = [self.model.read(row_id) for row_id in row_ids]
        self.delivered += rows
        self._drain(rows)
        for product_id, place in (*places, *self.model.places_of_epoch.items()):
            self.told[product_id] = max(self.told[product_id], place)
        self.model.lost.clear()

    def _drain(self, rows):
        """Have the invalidator read these."""
        self.model.chosen = list(rows)
        self.outbox.drain()

    def _settle(self):
        """Whatever keeps a part of the Redis out of use for long ends."""

    def _served_products(self):
        """Absence is told of without a version, so that a tombstone replaces it whenever it comes."""
        found = self._look_up_if_it_can(WATCHER)
        return [product_id for product_id, one in found.items() if one and one.body is not None]
