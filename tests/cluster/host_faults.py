"""What happens to whole hosts, and to all parts one after the other."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from deploy.cluster.network import Namespace
from deploy.local.hosts import Host
from tests.chaos.faults import Fault, Form
from tests.chaos.waits import wait_until
from tests.cluster.operator import promote_another
from tests.cluster.part_faults import Strike, row, silent_invalidators
from tests.cluster.service_under_test import ClusterService


def cut_off(choose: Callable[[ClusterService], Host]) -> Strike:
    @contextmanager
    def strike(service: ClusterService) -> Iterator[None]:
        host, primary = choose(service), service.primary()
        assert isinstance(host, Namespace), "hosts can be cut off in network namespaces only: root is needed"
        host.cut_off()
        try:
            if primary.host is host:
                promote_another(service, primary)
            wait_until(lambda: all(service.is_missed(node) for node in service.cluster.valkey if node.host is host))
            yield
        finally:
            host.connect()
        if primary.host is host:
            wait_until(lambda: _reaches(host, service.primary().address))
            primary.copy_anew()

    return strike


def _reaches(host: Host, address: str) -> bool:
    """Whether connections from a host arrive: for a moment it takes others for lost that had been cut off from it."""
    place, _, port = address.rpartition(":")
    with host.entered(), suppress(OSError), socket.create_connection((place, int(port)), timeout=1.0):
        return True
    return False


@contextmanager
def everything_restarted(service: ClusterService) -> Iterator[None]:
    """As a new release would be rolled out over the stores, the service and nginx: whatever has a second, after it."""
    _stores_restarted(service)
    cluster = service.cluster
    for invalidator in cluster.invalidators:
        invalidator.restart()
        wait_until(lambda: silent_invalidators(service) == 0)
    for part in (*cluster.instances, cluster.sweeper, *cluster.nginx, cluster.watch):
        part.restart()
    yield


def _stores_restarted(service: ClusterService) -> None:
    masters = service.masters()
    for node in [each for each in service.cluster.valkey if each not in masters]:
        node.restart()
        wait_until(service.is_whole)
    for master in masters:
        replica = service.replica_of(master)
        replica.ask("CLUSTER FAILOVER")
        wait_until(replica.is_master)
        master.restart()
        wait_until(service.is_whole)
    for standby in service.standbys():
        standby.restart()
        wait_until(service.is_whole)
    primary = service.primary()
    primary.stop()
    promote_another(service, primary)
    primary.copy_anew()
    wait_until(service.is_whole)


def _with_the_primary(service: ClusterService) -> Host:
    return service.primary().host


def _without_the_primary(service: ClusterService) -> Host:
    """Of those with instances."""
    return next(each.host for each in service.instances if each.host is not service.primary().host)


_ONCE = {Form.SHORT: 0.5, Form.LONG: 2.0}

ROWS: tuple[Fault, ...] = (
    row("Host cut off, with instances and an nginx", cut_off(_without_the_primary), 10.0),
    row("Host cut off, with the primary", cut_off(_with_the_primary), 10.0),
    row("Everything restarted, one after the other", everything_restarted, 3.0, seconds=_ONCE),
)
