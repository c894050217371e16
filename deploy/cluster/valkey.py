"""Valkey Cluster: its nodes, and how they are made one cluster."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from deploy.local import probes
from deploy.local.hosts import Host
from deploy.local.processes import StackError
from deploy.local.servers import Redis

SLOTS = 16384
_NODE_TIMEOUT_MS = 1000  # a master that is silent for so long is replaced
_FORMED_SECONDS = 30.0


class Node(Redis):
    """A Valkey in cluster mode; ``bus_port`` is for the other nodes, ``password`` the same for all."""

    def __init__(
        self, root: Path, port: int, bus_port: int, log: Path, *, name: str, host: Host, password: str
    ) -> None:
        options = {
            "cluster-enabled": "yes",
            "cluster-port": str(bus_port),
            "cluster-announce-ip": host.ip,
            "cluster-node-timeout": str(_NODE_TIMEOUT_MS),
            "cluster-require-full-coverage": "no",  # the slots that are left go on
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": "0",
            "requirepass": password,
            "masterauth": password,
        }
        super().__init__(root, port, log, name=name, host=host, options=options)
        self.port, self.bus_port = port, bus_port

    def ask(self, *command: object) -> object:
        """Return the answer to one command; raises redis.RedisError."""
        with probes.client(self.url) as client:
            return client.execute_command(*command)

    @property
    def id(self) -> str:
        """Return its name in the cluster."""
        return _text(self.ask("CLUSTER MYID"))

    def is_master(self) -> bool:
        """Whether it serves writes; false while it does not answer."""
        try:
            return self.replication()["role"] == "master"
        except redis.RedisError:
            return False

    def follows(self, master: "Node") -> bool:
        """Whether it is a replica of that master. Raises redis.RedisError if it does not answer."""
        said = self.replication()
        return (said.get("master_host"), said.get("master_port")) == (master.host.ip, master.port)

    def replication(self) -> dict[str, Any]:
        """Return what INFO says about it."""
        with probes.client(self.url) as client:
            return client.info("replication")

    def nodes(self) -> str:
        """Return a line for each node, as this one sees the cluster."""
        with probes.client(self.url) as client:
            client.set_response_callback("CLUSTER NODES", _text)
            return client.execute_command("CLUSTER NODES")

    def is_well(self, nodes: int) -> bool:
        """Whether it sees so many nodes and all slots served, and as a replica has its master's data."""
        try:
            with probes.client(self.url) as client:
                seen = _fields(client.execute_command("CLUSTER INFO"))
                replication = client.info("replication")
        except redis.RedisError:
            return False
        is_whole = seen["cluster_state"] == "ok" and seen["cluster_slots_ok"] == str(SLOTS)
        return (
            is_whole and int(seen["cluster_known_nodes"]) == nodes and replication.get("master_link_status") != "down"
        )


def form(masters: Sequence[Node], replicas: Sequence[Node]) -> None:
    """Make a cluster: the slots in equal ranges, and a replica for each master, in their order.

    Raises StackError if it is not whole within 30 s.
    """
    nodes = [*masters, *replicas]
    for number, master in enumerate(masters):
        first, end = (SLOTS * each // len(masters) for each in (number, number + 1))
        master.ask("CLUSTER ADDSLOTSRANGE", first, end - 1)
        master.ask("CLUSTER SET-CONFIG-EPOCH", number + 1)
    for node in nodes[1:]:
        nodes[0].ask("CLUSTER MEET", node.host.ip, node.port, node.bus_port)
    _wait(lambda: all(_known(node) == len(nodes) for node in nodes))
    for master, replica in zip(masters, replicas, strict=True):
        replica.ask("CLUSTER REPLICATE", master.id)
    _wait(
        lambda: (
            all(node.is_well(len(nodes)) for node in nodes)
            and all(each.replication()["connected_slaves"] for each in masters)
        )
    )


def move(slots: Sequence[int], source: Node, target: Node, others: Sequence[Node]) -> None:
    """Move slots, with what they hold, from one master to another while both serve them; other masters are told."""
    for slot in slots:
        target.ask("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER SETSLOT", slot, "MIGRATING", target.id)
        while keys := source.ask("CLUSTER GETKEYSINSLOT", slot, 100):
            where = (target.host.ip, target.port, "", 0, 5000)
            source.ask("MIGRATE", *where, "AUTH", source.options["requirepass"], "KEYS", *keys)
        for node in (target, source, *others):
            node.ask("CLUSTER SETSLOT", slot, "NODE", target.id)


def _known(node: Node) -> int:
    return int(_fields(node.ask("CLUSTER INFO"))["cluster_known_nodes"])


def _fields(said: object) -> dict[str, str]:
    if isinstance(said, dict):
        return said
    return dict(line.split(":", 1) for line in _text(said).split())


def _text(said: object) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)


def _wait(condition) -> None:
    deadline = time.monotonic() + _FORMED_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise StackError("the Valkey nodes do not come to be one cluster")
        time.sleep(0.05)
