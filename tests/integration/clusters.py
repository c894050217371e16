"""Real clusters: servers on free ports that are told who they are, whom they know and which slots they have."""

from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from deploy.local import probes
from deploy.local.servers import Redis
from service.cache.slots import SLOTS
from tests.chaos.waits import wait_until

PASSWORD = "only-for-tests"


def home_of(slot):
    """The number of the master that has a slot at first."""
    return next(number for number in (2, 1, 0) if slot >= number * SLOTS // 3)


class Node(Redis):
    """A member of a cluster."""

    def __init__(self, root: Path, port: int, bus_port: int) -> None:
        super().__init__(root, port, root / "redis.log")
        self.options |= {
            "requirepass": PASSWORD,
            "masterauth": PASSWORD,
            "cluster-enabled": "yes",
            "cluster-port": str(bus_port),
            "cluster-node-timeout": "500",
            "cluster-require-full-coverage": "no",
            "cluster-replica-validity-factor": "0",  # a replica is promoted however old its data are
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": "0",
            "maxmemory": "64mb",
        }
        self.port, self.bus_port = port, bus_port
        self.url = f"redis://:{PASSWORD}@{self.address}/0"

    def start(self) -> None:
        super().start()
        self.client = probes.client(self.url)
        self.id = self.cluster("MYID").decode()

    def cluster(self, *words):
        return self.client.execute_command("CLUSTER", *words)

    @property
    def slots(self):
        """How many slots it has as a master."""
        if self.client.info("replication")["role"] != "master":
            return 0
        lines = self.cluster("NODES").decode().splitlines()
        ranges = next(line for line in lines if "myself" in line).split()[8:]
        ends = [one.split("-") for one in ranges if not one.startswith("[")]
        return sum(int(last) - int(first) + 1 for first, *_, last in ends)

    @property
    def ranges(self):
        """First and last slots of what it has as a master."""
        return [(first, last) for first, last, port in self.owners if port == self.port]

    @property
    def received(self):
        """How far it is in the stream of what is replicated."""
        said = self.client.info("replication")
        return said.get("slave_repl_offset", said["master_repl_offset"])

    @property
    def owners(self):
        """Ranges of slots with the port of each one's master, as this node knows them."""
        return frozenset((first, last, master[1]) for first, last, master, *_ in self.cluster("SLOTS"))


class Cluster:
    """Three masters with a replica each, in the same order, or without."""

    def __init__(self, root: Path, free_port: Callable[[str], int], *, with_replicas: bool = True) -> None:
        self._root, self._free_port = root, free_port
        self.nodes: list[Node] = []
        self._former: list[Node] = []
        self.masters = [self.add() for _ in range(3)]
        self.replicas = [self.add() for _ in self.masters if with_replicas]
        for number, master in enumerate(self.masters):
            master.cluster("ADDSLOTSRANGE", number * SLOTS // 3, (number + 1) * SLOTS // 3 - 1)
            master.cluster("SET-CONFIG-EPOCH", number + 1)
        self.meet()
        for master, replica in zip(self.masters, self.replicas, strict=with_replicas):
            replica.cluster("REPLICATE", master.id)
        wait_until(lambda: all(b"cluster_state:ok" in node.cluster("INFO") for node in self.nodes))
        wait_until(lambda: all(follows(node) for node in self.replicas))

    @property
    def url(self) -> str:
        return f"redis+cluster://:{PASSWORD}@{','.join(node.address for node in self.nodes)}"

    def add(self) -> Node:
        root = Path(mkdtemp(prefix="cluster-", dir=self._root))
        root.chmod(0o755)
        node = Node(root, self._free_port(root.name), self._free_port(f"bus of {root.name}"))
        node.start()
        self.nodes.append(node)
        return node

    def at(self, store) -> Node:
        """The member that a store of the service is for."""
        return next(node for node in self.nodes if node.port == store.address[1])

    def meet(self):
        """All know all."""
        for node in self.nodes[1:]:
            self.nodes[0].cluster("MEET", "127.0.0.1", node.port, node.bus_port)
        known = b"cluster_known_nodes:%d\r" % len(self.nodes)
        wait_until(lambda: all(known in node.cluster("INFO") for node in self.nodes))

    def join(self) -> Node:
        """A master more, without slots."""
        self.masters.append(self.add())
        self.meet()
        wait_until(lambda: b"cluster_state:ok" in self.masters[-1].cluster("INFO"))
        return self.masters[-1]

    def forget(self, node: Node) -> None:
        """A master that has no slots any more leaves, and goes on running."""
        self.masters.remove(node)
        self.nodes.remove(node)
        self._former.append(node)
        for other in self.nodes:
            other.cluster("FORGET", node.id)
        node.client.flushall()
        node.cluster("RESET")

    def begin_move(self, slot, source, target):
        target.cluster("SETSLOT", slot, "IMPORTING", source.id)
        source.cluster("SETSLOT", slot, "MIGRATING", target.id)

    def move_names(self, slot, source, target):
        while names := source.cluster("GETKEYSINSLOT", slot, 100):
            where = "127.0.0.1", target.port, "", 0, 5000, "REPLACE"
            source.client.execute_command("MIGRATE", *where, "AUTH", PASSWORD, "KEYS", *names)

    def end_move(self, slot, source, target):
        for node in (target, source, *(one for one in self.masters if one not in (source, target))):
            node.cluster("SETSLOT", slot, "NODE", target.id)

    def move(self, slot, source, target):
        self.begin_move(slot, source, target)
        self.move_names(slot, source, target)
        self.end_move(slot, source, target)

    def replica_has_all(self, number):
        """Wait until the replica with this number has what its master has."""
        master, replica = self.masters[number], self.replicas[number]
        wait_until(lambda: follows(replica) and replica.received == master.received)

    def detach(self, number):
        """The replica with this number gets nothing more from its master, until it takes over."""
        master, replica = self.masters[number], self.replicas[number]
        replica.client.config_set("masterauth", "wrong")
        master.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        wait_until(lambda: not follows(replica))

    def take_over(self, number):
        """The replica with this number becomes the master without being elected, with what it has; all know it."""
        replica = self.replicas[number]
        replica.cluster("FAILOVER", "TAKEOVER")
        replica.client.config_set("masterauth", PASSWORD)  # not before: it would get what it is to lack
        self.masters[number], self.replicas[number] = replica, self.masters[number]
        self.agree()

    def agree(self):
        """Wait until all nodes that run name the same owners of slots, who are masters now."""
        ports = {master.port for master in self.masters}
        running = [node for node in self.nodes if node.alive()]
        wait_until(lambda: {port for _, _, port in running[0].owners} == ports)
        wait_until(lambda: len({node.owners for node in running}) == 1)

    def stop(self):
        for node in (*self.nodes, *self._former):
            if node.alive:
                node.resume()
            node.client.close()
            node.kill()


def follows(replica):
    return replica.client.info("replication").get("master_link_status") == "up"
