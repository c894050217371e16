import time
from itertools import count

import pytest
from redis.crc import key_slot

from service.cache.aside import Lifetimes
from service.cache.breaker import Breaker
from service.cache.cluster_cache import ClusterCache
from service.cache.entry import Document, Entry, State
from service.cache.keys import entry_name, entry_names
from service.cache.position import name_of
from service.cache.redis_cluster import RedisCluster
from service.cache.slots import SLOTS, slot_of
from service.catalogue import Key, Kind
from service.catalogue.cached import CachedCatalogue
from service.catalogue.database import DatabaseCatalogue
from service.catalogue.outbox import Outbox
from service.coroutines import block_on
from service.errors import PartlyUnavailable, PostgresUnavailable, RedisUnavailable
from service.metrics import Metrics
from service.watch.stores import redis_state
from tests.chaos.waits import wait_until
from tests.integration.clusters import Cluster

LIFETIMES = Lifetimes(100, 1000, 50)
EPOCH = 5


class Pending:
    """The numbers of the oldest and the newest pending invalidation."""

    def __init__(self):
        self.span = 0, 0

    async def __call__(self):
        return self.span


class Instance:
    """A cache over the cluster, and the store through which it is told what has changed."""

    def __init__(self, url, *, with_position=False):
        self.redis, self.pending = RedisCluster(url, 0.5, with_position=with_position), Pending()
        self.cache = ClusterCache(self.redis.topology, LIFETIMES, pending=self.pending)

    def begin(self):
        return block_on(self.cache.incarnation()), time.monotonic()

    def fill(self, *names, version=1, begun=None):
        incarnation, began = begun or self.begin()
        until = self.cache.fresh_until(State.PRESENT)
        entry = Entry(State.PRESENT, EPOCH, version, until, "e" * 16, b"{}")
        return block_on(self.cache.fill(dict.fromkeys(names, entry), began, incarnation))

    def fills(self, *names):
        """Whether they are hits after a fill."""
        return self.fill(*names) >= 0 and self.look_up(*names) == [1] * len(names)

    def invalidate(self, *names, version):
        tombstone = Entry(State.TOMBSTONE, EPOCH, version).encode()
        return block_on(self.redis.put(EPOCH, [(name, tombstone, 60.0) for name in names]))

    def look_up(self, *names):
        """The version of each document, None where it is missing or bypassed."""
        try:
            found = block_on(self.cache.look_up(names))
        except RedisUnavailable:
            return [None] * len(names)
        return [one and one.version for one in found]

    def refresh(self):
        time.sleep(0.06)
        self.redis.topology.refresh()


@pytest.fixture(scope="module")
def made(server_root, free_port):
    cluster = Cluster(server_root, free_port)
    for node in cluster.nodes:  # nobody takes the place of a master that hangs
        node.client.config_set("cluster-replica-no-failover", "yes")
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(made):
    """With no names in it."""
    for master in made.masters:
        master.client.flushall()
    return made


@pytest.fixture
def make(cluster):
    made = []

    def make(*, with_position=False):
        made.append(Instance(cluster.url, with_position=with_position))
        block_on(made[-1].redis.put(EPOCH, []))
        return made[-1]

    yield make
    for instance in made:
        instance.redis.close()


def names_of(cluster, number, most=1):
    """Names whose slots the master with this number had at first."""
    first, last = number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1
    found = (name for name in (f"name-{one}" for one in count()) if first <= slot_of(name) <= last)
    return [next(found) for _ in range(most)]


def test_names_of_all_masters_are_filled_and_found_in_one_call(cluster, make):
    instance, names = make(), [f"name-{number}" for number in range(100)]
    assert instance.look_up(*names) == [None] * 100
    assert instance.fill(*names) == 100
    assert instance.look_up(*names) == [1] * 100
    assert make().look_up(*names) == [1] * 100
    assert all(master.client.dbsize() > 20 for master in cluster.masters)


def test_a_tombstone_and_the_order_of_versions_hold_at_each_master(cluster, make):
    instance, names = make(), [names_of(cluster, number)[0] for number in range(3)]
    begun = instance.begin()
    assert instance.fill(*names, version=2) == 3
    instance.invalidate(*names, version=3)
    assert instance.look_up(*names) == [None] * 3
    assert instance.fill(*names, version=2, begun=begun) == 0
    assert instance.fill(*names, version=3) == 3
    assert instance.look_up(*names) == [3] * 3


def test_a_moved_slot_is_a_miss_until_the_new_master_has_caught_up(cluster, make):
    a, b = make(), make()
    (name,), (other,) = names_of(cluster, 0), names_of(cluster, 1)
    source, target = cluster.masters[:2]
    a.fill(name, other)
    begun = a.begin()
    cluster.move(slot_of(name), source, target)
    try:
        assert a.look_up(name) == [None]  # MOVED
        a.pending.span = 1, 1
        assert a.fill(name, version=2, begun=begun) == 0
        b.refresh()
        wait_until(lambda: b.look_up(name) == [1] or b.fill(name))  # once the new master has caught up
        wait_until(lambda: a.redis.topology.view.owner(name).address[1] == target.port)
        time.sleep(0.4)
        assert a.look_up(name) == [None]  # an older version may be there, and is, as far as this instance knows
        a.pending.span = 0, 0
        wait_until(lambda: a.fills(other))  # again, as this master has another epoch now
        a.invalidate(name, version=3)
        assert a.fill(name, version=3) == 1
        assert a.look_up(name) == [3]
    finally:
        cluster.move(slot_of(name), target, source)


def test_a_tombstone_follows_a_slot_that_has_moved(cluster, make):
    a, b = make(), make()
    (name,) = names_of(cluster, 0)
    source, target = cluster.masters[:2]
    cluster.move(slot_of(name), source, target)
    try:
        b.refresh()
        wait_until(lambda: b.look_up(name) == [1] or b.fill(name))
        assert a.redis.topology.view.owner(name).address[1] == source.port
        a.invalidate(name, version=2)
        assert b.look_up(name) == [None]
        assert b.fill(name, version=1) == 0
    finally:
        cluster.move(slot_of(name), target, source)


def test_a_tombstone_reaches_the_target_of_a_slot_that_is_on_its_way(cluster, make):
    a = make()
    (name,) = names_of(cluster, 0)
    source, target = cluster.masters[:2]
    a.fill(name, version=1)
    begun = a.begin()
    cluster.begin_move(slot_of(name), source, target)
    cluster.move_names(slot_of(name), source, target)
    try:
        assert a.look_up(name) == [None]  # ASK
        a.invalidate(name, version=2)
        assert a.fill(name, version=1, begun=begun) == 0
        assert a.cache.bypasses([name])  # what it serves now may be newer than what is there
    finally:
        cluster.end_move(slot_of(name), source, target)
        stored = Entry.decode(target.client.get(name))
        cluster.move(slot_of(name), target, source)
    assert (stored.state, stored.version) == (State.TOMBSTONE, 2)


def test_a_slot_that_comes_back_brings_nothing_that_another_master_forgot_to_be_out_of_date(cluster, make):
    a = make()
    (name,) = names_of(cluster, 0)
    assert a.fill(name) == 1
    begun = a.begin()
    cluster.move(slot_of(name), cluster.masters[0], cluster.masters[1])
    cluster.replica_has_all(1)
    cluster.detach(1)
    a.refresh()
    a.invalidate(name, version=2)
    cluster.take_over(1)
    cluster.move(slot_of(name), cluster.masters[1], cluster.masters[0])
    cluster.agree()
    assert Entry.decode(cluster.masters[0].client.get(name)).version == 1
    a.refresh()
    assert make().look_up(name) == [None]
    wait_until(lambda: a.cache.bypasses([name]) or a.look_up(name) == [None])
    assert a.fill(name, version=1, begun=begun) == 0
    wait_until(lambda: a.look_up(name) == [2] or a.fill(name, version=2))
    assert make().look_up(name) == [2]


def test_whoever_has_another_name_for_the_epoch_of_a_master_stores_nothing_older(cluster, make):
    a, b = make(), make()
    (name,) = names_of(cluster, 1)
    first = 0  # of all slots the one whose name is the best for an epoch
    slow = b.begin()
    cluster.move(first, cluster.masters[0], cluster.masters[1])
    try:
        a.refresh()
        nodes = [one.redis.topology.view.owner(name) for one in (a, b)]
        a.invalidate(name, version=2)
        wait_until(lambda: a.look_up(name) == [2] or a.fill(name, version=2))
        assert nodes[0].epoch_name != nodes[1].epoch_name
        assert b.fill(name, version=1, begun=slow) == 0
    finally:
        cluster.move(first, cluster.masters[1], cluster.masters[0])


def test_a_master_that_hangs_costs_its_own_names_alone(cluster, make):
    a = make()
    names = [names_of(cluster, number)[0] for number in range(3)]
    a.fill(*names)
    a.redis.topology.refresh_if_it_can()
    cluster.masters[0].pause()
    try:
        assert a.look_up(*names) == [None, 1, 1]
        began = time.monotonic()
        assert a.look_up(*names) == [None, 1, 1]
        assert time.monotonic() - began < 0.2
        assert a.cache.is_down
        assert a.cache.bypasses([names[0]])
        assert not a.cache.bypasses(names[1:])
        with pytest.raises(PartlyUnavailable):
            a.invalidate(*names, version=2)
        assert a.look_up(*names[1:]) == [None, None]
    finally:
        cluster.masters[0].resume()
    wait_until(lambda: a.look_up(names[0]) == [1])


def test_a_position_is_raised_at_every_master(cluster, make):
    writer, reader = make(), make(with_position=True)
    assert block_on(reader.cache.latest_position()) is None
    before = writer.redis.incarnation
    assert block_on(writer.redis.raise_position(before, EPOCH, 100))
    assert block_on(writer.redis.raise_position(before, EPOCH, 50))
    assert block_on(reader.cache.latest_position())[:2] == (EPOCH, 100)
    assert all(position(node, cluster).endswith(b":100") for node in writer.redis.topology.view.nodes.values())
    cluster.masters[1].client.flushall()
    assert not block_on(writer.redis.raise_position(before, EPOCH, 200))


def test_for_a_master_without_a_position_that_of_the_others_counts_as_of_now(cluster, make):
    writer, reader = make(), make(with_position=True)
    names = [names_of(cluster, number)[0] for number in range(3)]
    block_on(writer.redis.raise_position(writer.redis.incarnation, EPOCH, 100))
    reader.look_up(*names)
    cluster.masters[0].client.flushall()
    reader.look_up(names[0])
    incarnation = block_on(reader.cache.incarnation())
    assert not block_on(writer.redis.raise_position(writer.redis.incarnation, EPOCH, 200))
    of = reader.cache.position_of
    assert block_on(of(names[1:], incarnation)).written == 100  # what comes later finds a tombstone
    assert block_on(of(names[:1], incarnation)).written == 200  # whatever tombstones its master may have lost


def test_a_master_that_has_not_taken_the_position_gets_no_tombstone_and_the_row_stays(cluster, make, postgres, change):
    """A replica that lags may be read for longer than a tombstone lives."""
    instance = make()
    outbox = Outbox(postgres, instance.redis)
    outbox.drain()
    changed = entry_name(Kind.PRODUCT, 1)
    node = instance.redis.topology.view.owner(changed)
    refusing, position = cluster.at(node).client, name_of(node.epoch_name)
    instance.redis._breakers[node] = Breaker(0.0, time.monotonic)  # it is not left alone for having failed
    for name in (changed, position):
        refusing.delete(name)
    refusing.rpush(position, "no position")
    change("UPDATE products SET name = 'changed'")
    with pytest.raises(PartlyUnavailable):
        outbox.drain()
    assert not refusing.exists(changed)
    assert block_on(DatabaseCatalogue(postgres).pending_invalidations()) != (0, 0)
    refusing.delete(position)
    wait_until(lambda: drained(outbox))
    assert refusing.exists(changed)
    assert refusing.exists(position)


def test_a_position_gets_the_other_name_while_the_slot_of_the_first_is_on_its_way(cluster, make):
    writer = make()
    source, target = cluster.masters[:2]
    node = writer.redis.topology.view.nodes[("127.0.0.1", source.port)]
    first, slot = node.epoch_name, key_slot(node.epoch_name.encode())
    cluster.begin_move(slot, source, target)
    cluster.move_names(slot, source, target)
    try:
        assert block_on(writer.redis.raise_position(writer.redis.incarnation, EPOCH, 100))  # at the other masters
        assert node.epoch_name != first
        wait_until(lambda: written(writer))
        assert block_on(writer.redis.raise_position(writer.redis.incarnation, EPOCH, 200))
        assert position(node, cluster).endswith(b":200")
    finally:
        cluster.end_move(slot, source, target)
        cluster.move(slot, target, source)


class Replica:
    """A catalogue that is read at some position, after ``meanwhile``."""

    def __init__(self):
        self.meanwhile = lambda: None

    def at(self, position):
        assert position.written == 100
        return self

    async def documents(self, keys):
        self.meanwhile()
        return {key: Document(b"{}", "e" * 16, EPOCH, 1, "miss") for key in keys}


class NoPrimary:
    async def documents(self, keys):
        raise PostgresUnavailable


class TestWithoutThePrimary:
    """Products of all masters are read from a replica, whatever happens to one master."""

    @pytest.fixture
    def replica(self):
        return Replica()

    @pytest.fixture
    def outcomes(self, make, cluster, replica):
        """Reads a product of each master."""
        instance = make(with_position=True)
        block_on(instance.redis.raise_position(instance.redis.incarnation, EPOCH, 100))
        catalogue = CachedCatalogue(NoPrimary(), instance.cache, Metrics(), 2.0, replicas=replica.at)
        cards = [Key(Kind.CARD, number) for number in range(100)]
        owners = {instance.redis.topology.view.owner(entry_name(*key)).address[1]: key for key in cards}
        keys = [owners[master.port] for master in cluster.masters]

        def outcomes():
            documents = block_on(catalogue.documents(keys))
            return [documents[key].outcome for key in keys]

        yield outcomes
        catalogue.close()

    def test_that_hangs(self, cluster, outcomes):
        cluster.masters[0].pause()
        try:
            assert [outcomes(), outcomes()] == [["bypass", "miss", "miss"], ["bypass", "hit", "hit"]]
        finally:
            cluster.masters[0].resume()

    def test_that_begins_to_hang_while_they_are_read(self, cluster, outcomes, replica):
        replica.meanwhile = cluster.masters[0].pause
        try:
            assert outcomes() == ["miss"] * 3
        finally:
            cluster.masters[0].resume()

    def test_that_was_promoted_and_has_no_position(self, cluster, outcomes):
        cluster.masters[0].client.flushall()
        assert [outcomes(), outcomes()] == [["miss"] * 3, ["hit"] * 3]


def test_no_row_of_the_outbox_goes_before_every_master_has_its_tombstones(cluster, make, postgres, change):
    instance = make()
    outbox = Outbox(postgres, instance.redis)
    outbox.drain()
    names = entry_names([(Kind.PRODUCT, 1), (Kind.PRODUCT, 2)])
    hung, other = (cluster.at(instance.redis.topology.view.owner(name)) for name in names)
    assert hung is not other
    change("UPDATE products SET name = 'changed'")
    hung.pause()
    try:
        with pytest.raises(PartlyUnavailable):
            outbox.drain()
        assert other.client.exists(names[1])
        assert block_on(DatabaseCatalogue(postgres).pending_invalidations()) != (0, 0)
    finally:
        hung.resume()
    wait_until(lambda: drained(outbox))
    assert hung.client.exists(names[0])
    assert block_on(DatabaseCatalogue(postgres).pending_invalidations()) == (0, 0)


def written(instance):
    try:
        block_on(instance.redis.put(EPOCH, []))
    except RedisUnavailable:
        return False
    return True


def drained(outbox):
    try:
        outbox.drain()
    except RedisUnavailable:
        return False
    return True


def test_operators_see_each_master_and_which_one_is_silent(cluster, make):
    instance = make()
    assert instance.fill(*names_of(cluster, 0, 3), *names_of(cluster, 1)) == 4
    state = redis_state(instance.redis)
    assert set(state.servers) == {master.address for master in cluster.masters}
    sizes = [server.number("keys") for server in state.answering.values()]
    assert state.sum("keys") == sum(sizes) > max(sizes)
    assert state.words("role") == "master"
    hung = cluster.masters[0]
    assert 0 <= state.uptime_seconds <= state.servers[hung.address].number("uptime_in_seconds")
    hung.pause()
    try:
        state = redis_state(instance.redis)
        assert state.silent == [hung.address]
        assert len(state.answering) == 2
    finally:
        hung.resume()


def test_a_replica_that_is_promoted_without_the_last_writes_serves_nothing_older(server_root, free_port):
    cluster = Cluster(server_root, free_port)
    a, b = Instance(cluster.url), Instance(cluster.url)
    master, replica = cluster.masters[0], cluster.replicas[0]
    try:
        (name,) = names_of(cluster, 0)
        block_on(a.redis.put(EPOCH, []))
        assert a.fill(name, version=1) == 1
        wait_until(lambda: replica.client.info("replication")["slave_repl_offset"] >= _offset(master))
        slow = b.begin() if b.look_up(name) else None
        replica.client.config_set("masterauth", "wrong")  # from now on it follows no more
        master.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        a.invalidate(name, version=2)
        assert a.fill(name, version=2) == 1
        master.kill()
        wait_until(lambda: replica.slots)
        assert Entry.decode(replica.client.get(name)).version == 1
        wait_until(lambda: _has_moved_to(replica, a, name))
        wait_until(lambda: a.look_up(name) != [None] or a.fill(name, version=2))
        assert b.fill(name, version=1, begun=slow) == 0
        wait_until(lambda: b.look_up(name) == [2])
        assert a.look_up(name) == [2]
        a.invalidate(name, version=3)
        assert [a.look_up(name), b.look_up(name)] == [[None], [None]]
    finally:
        a.redis.close()
        b.redis.close()
        cluster.stop()


def _offset(master):
    return master.client.info("replication")["master_repl_offset"]


def position(node, cluster):
    """What is stored as the position of a master."""
    return cluster.at(node).client.get(name_of(node.epoch_name))


def _has_moved_to(node, instance, name):
    return instance.look_up(name) == [None] and instance.redis.topology.view.owner(name).address[1] == node.port
