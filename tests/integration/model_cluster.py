"""A real cluster by the clock of a test: masters fail over and lose what is new, slots move, also half-way.

Replication is real. What a replica has that was detached is what a failover to it leaves.
"""

from redis.crc import key_slot

from service.cache.keys import EPOCH
from service.cache.slots import epoch_names
from tests.integration.cluster_instance import ClusterInstance
from tests.integration.clusters import home_of
from tests.integration.model_redis import age, close_connections

_ASKED_EVERY_SECONDS = 2


class ClusterData:
    """The data sets of a cluster, empty. ``clock`` gives the seconds of a test.

    What is lost is lost by the master of ``shard``. A slot that is on its way is ``moving`` from a shard to another.
    """

    def __init__(self, cluster, clock):
        self._cluster, self._clock = cluster, clock
        self._instances, self._owners, self._detached_at = [], {}, {}
        self.moving, self.shard = None, 0
        for master in cluster.masters:
            master.client.flushall()

    def open(self, lifetimes, pending):
        """An instance of the service over it."""
        self._instances.append(ClusterInstance(self._cluster.url, self._clock, lifetimes, pending))
        return self._instances[-1]

    def learn_slots(self):
        """Everybody does."""
        for instance in self._instances:
            instance.learn_slots()

    def age(self, seconds):
        """What is kept comes nearer to its end. Who is in trouble asks for the slots, and all do every two seconds."""
        for master in self._cluster.masters:
            age(master.client, seconds, asking=True)
        for instance in self._instances:
            if seconds > _ASKED_EVERY_SECONDS or instance.redis.topology.is_in_trouble:
                instance.learn_slots()

    def lose_all(self):
        self._master.client.flushall()
        self._master.client.script_flush()

    def lose_epoch(self):
        for name in self._master.client.keys(f"{EPOCH}:*"):
            self._master.client.delete(name)

    def close_connections(self):
        for master in self._cluster.masters:
            close_connections(master.client)

    def save(self):
        """From now on its replica gets nothing more."""
        if self.shard not in self._detached_at:
            self._cluster.replica_has_all(self.shard)
            self._cluster.detach(self.shard)
            self._detached_at[self.shard] = self._clock()

    def come_back(self):
        """Its replica takes over, with what it has."""
        if self.shard not in self._detached_at:
            self._cluster.replica_has_all(self.shard)
        self._promote()

    def kill(self):
        """The same, as it is killed. It starts again with nothing, and follows."""
        self._cluster.masters[self.shard].kill()
        self._promote()
        self._cluster.replicas[self.shard].start()
        self._cluster.agree()

    def _promote(self):
        promoted = self._cluster.replicas[self.shard]
        # As if the invalidator had looked at the identities since it was a master: it does so every second.
        close_connections(promoted.client)
        self._cluster.take_over(self.shard)
        age(promoted.client, self._clock() - self._detached_at.pop(self.shard, self._clock()), asking=True)
        if self.moving is not None:
            self.begin_move(*self.moving)

    def owner(self, slot):
        """The shard that has it."""
        return self._owners.get(slot, home_of(slot))

    def slot_of_epoch(self):
        """The slot of the shard's epoch, as those see it who know its slots."""
        return key_slot(epoch_names(self._master.ranges)[0].encode())

    def begin_move(self, slot, target):
        """Of a slot that another shard has; the names are moved later."""
        self.moving = slot, target
        self._cluster.begin_move(slot, *self._ends_of_move())

    def move_names(self):
        self._cluster.move_names(self.moving[0], *self._ends_of_move())

    def end_move(self):
        """With the names that are not moved yet."""
        if self.moving is not None:
            self.move_names()
            slot, target = self.moving
            self._cluster.end_move(slot, *self._ends_of_move())
            self._cluster.agree()
            self._owners[slot], self.moving = target, None

    def close(self):
        """Leave the cluster whole, every slot where it was at first."""
        self.end_move()
        for shard in list(self._detached_at):
            self.shard = shard
            self._promote()
        for slot in list(self._owners):
            if self._owners[slot] != home_of(slot):
                self.begin_move(slot, home_of(slot))
                self.end_move()

    @property
    def _master(self):
        return self._cluster.masters[self.shard]

    def _ends_of_move(self):
        slot, target = self.moving
        return self._cluster.masters[self.owner(slot)], self._cluster.masters[target]
