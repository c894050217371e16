"""What can happen to the stores of a cluster, beyond the loss of one process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis
from redis.crc import key_slot

from deploy.cluster import valkey
from deploy.local import probes
from service.cache.keys import entry_name
from service.catalogue import Kind
from tests.chaos.load import HOT
from tests.chaos.waits import wait_until
from tests.cluster.part_faults import SECONDS, row
from tests.cluster.service_under_test import ClusterService

_LOST_SECONDS = 1.0
_MOVED_SLOTS = 100
_PASSWORD = "masterauth"


@contextmanager
def last_second_lost(service: ClusterService) -> Iterator[None]:
    """Its replica takes over, and has nothing of what the master received in the last second."""
    master = service.masters()[0]
    replica = service.replica_of(master)
    with _not_replicating(replica):
        time.sleep(_LOST_SECONDS)
        has, received = replica.replication()["slave_repl_offset"], master.replication()["master_repl_offset"]
        master.kill()
    try:
        assert has < received, "nothing was lost"
        wait_until(replica.is_master)
        yield
    finally:
        master.start()


@contextmanager
def _not_replicating(replica: valkey.Node) -> Iterator[None]:
    """Its master refuses it; it is a node of the cluster as before."""
    with probes.client(replica.url) as client:
        password = client.config_get(_PASSWORD)[_PASSWORD]
        client.config_set(_PASSWORD, "not this one")
        client.execute_command("CLIENT", "KILL", "TYPE", "master")
        try:
            yield
        finally:
            client.config_set(_PASSWORD, password)


@contextmanager
def slots_moved(service: ClusterService) -> Iterator[None]:
    """A range with a hot product in it goes to another master, key by key, while it is read and written."""
    first = key_slot(entry_name(Kind.PRODUCT, HOT[0]).encode())
    masters = service.masters()
    source = next(node for node in masters if _has(node, first))
    target = next(node for node in masters if node is not source)
    slots = [slot for slot in range(first, min(first + _MOVED_SLOTS, valkey.SLOTS)) if _has(source, slot)]
    others = [node for node in masters if node not in (source, target)]
    valkey.move(slots, source, target, others)
    yield
    assert not _has(source, first), "it was not moved"


def _has(node: valkey.Node, slot: int) -> bool:
    """Whether a node serves a slot itself."""
    name = next(name for name in (str(number) for number in range(10**6)) if key_slot(name.encode()) == slot)
    try:
        node.ask("GET", name)
    except redis.exceptions.MovedError:
        return False
    return True


@contextmanager
def an_hour_behind(service: ClusterService) -> Iterator[None]:
    standby = service.standbys()[0]
    standby.set("recovery_min_apply_delay", "1h")
    try:
        wait_until(lambda: standby.unapplied() > 0)
        yield
        assert standby.unapplied() > 0, "it was not behind"
    finally:
        standby.set("recovery_min_apply_delay", "0")


ROWS = (
    row("Valkey master failed over, its last second lost", last_second_lost, 3.0),
    row("A range of slots moved under load", slots_moved, 3.0, seconds=SECONDS),
    row("Postgres replica an hour behind", an_hour_behind, 3.0),
)
