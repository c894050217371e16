"""What an operator does, or in production Patroni or CloudNativePG: no part of the service elects a primary."""

from deploy.cluster import postgres
from tests.chaos.waits import wait_until
from tests.cluster.service_under_test import ClusterService


def promote_another(service: ClusterService, lost: postgres.Node) -> None:
    """End the old primary, so that there are never two, and promote the standby that has most of its log.

    Two have to answer: a commit was acknowledged once one of them had it. The other one follows.
    """
    lost.kill()
    wait_until(lambda: len(service.standbys()) == len(service.cluster.postgres) - 1)
    chosen, *others = service.standbys()
    chosen.promote()
    wait_until(chosen.is_primary)
    for standby in others:
        standby.look_for_the_primary()


def spread_masters(service: ClusterService) -> None:
    """Have the first three nodes be masters again, each on a host of its own.

    With two of three masters on a host, nobody could replace them if it were lost: there would be no majority.
    """
    for node in service.cluster.valkey[: len(service.cluster.valkey) // 2]:
        if not node.is_master():
            node.ask("CLUSTER FAILOVER")
            wait_until(node.is_master)
    wait_until(service.is_whole)
