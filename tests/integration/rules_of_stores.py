"""What happens to the catalogue and to Redis by themselves, as rules of a state machine."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.integration.watched_cache import INSTANCES, WatchedCache

# Most of what is drawn concerns one product and the last few things that happened to it: there are the races.
products, instances, recent = (
    st.sampled_from((1, 1, 1, 2)),
    st.sampled_from(INSTANCES),
    st.sampled_from((0, 0, 0, 1, 2)),
)
losses = st.sampled_from(("nothing", "nothing", "nothing", "all", "its epoch", "what is new"))


class StoreRules(WatchedCache):
    """Nobody reads or is told in these."""

    @rule(product_id=products)
    def change_or_insert(self, product_id):
        self.model.change(product_id, present=True)

    @rule(product_id=products)
    def delete(self, product_id):
        if self.model.contents[product_id][-1].body is not None:
            self.model.change(product_id, present=False)

    @rule(whole=st.booleans())
    def raise_the_epoch(self, whole):
        if whole:
            self.model.load()
        else:
            self.model.truncate()

    @rule(product_id=products, changes_now=st.booleans())
    def open_a_writer(self, product_id, changes_now):
        self.model.open(product_id, changes_now)

    @precondition(lambda self: self.model.writers)
    @rule(age=recent)
    def commit_a_writer(self, age):
        self.model.commit(self.model.writers[-1 - age % len(self.model.writers)])

    @rule()
    def the_standby_follows(self):
        self.model.standby_follows()

    @rule()
    def fail_over_to_the_standby(self):
        before = self.model.contents
        self.model.lose()
        for product_id, contents in self.model.contents.items():
            self.model.lost.update(content.body for content in before[product_id][len(contents) :])
        self.delivered.clear()
        for places in (self.told, self.cached, *self.served.values()):
            for product_id, place in places.items():
                places[product_id] = min(place, len(self.model.contents[product_id]) - 1)

    # Redis, and time.

    @rule(seconds=st.sampled_from((1, 6, 11, 61, 101, 1001)))
    def time_passes(self, seconds):
        """The clocks go on, and what Redis keeps ages by as much."""
        self.now += seconds
        self.data.age(seconds)

    @rule(what=losses)
    def redis_loses(self, what):
        if what == "all":
            self.data.lose_all()
        elif what == "its epoch":
            self.data.lose_epoch()
        elif what == "what is new":
            self.an_older_data_set_comes_back(set())

    @rule()
    def save_the_data_set(self):
        self.data.save()

    @rule(noticed=st.sets(instances))
    def an_older_data_set_comes_back(self, noticed):
        """After a restart, or with a replica that was promoted; not every instance finds a connection broken by it."""
        self.data.come_back()
        self._connections_were_closed(noticed)

    @rule(noticed=st.sets(instances))
    def connections_are_closed(self, noticed):
        self.data.close_connections()
        self._connections_were_closed(noticed)

    def _connections_were_closed(self, noticed):
        for instance in self.instances.keys() - noticed:
            self.instances[instance].redis.renew()
