"""What an operator does, or in production Patroni or CloudNativePG: no part of the service elects a primary."""

from deploy.cluster import postgres
from tests.chaos.waits import wait_until
from tests.cluster.service_under_test import ClusterService


def promote_another(service: ClusterService, lost: postgres.Node) -> None:
    """End the old primary, so that there are never two, and promote the standby that has most of its log.

    It is safe to choose it without the others that cannot be asked: a commit was acknowledged by one of two, so both
    must be here, or nothing was acknowledged that the one has not.
    """
    lost.kill()
    wait_until(lambda: len(service.standbys()) == len(service.cluster.postgres) - 1)
    chosen = service.standbys()[0]
    chosen.promote()
    wait_until(chosen.is_primary)
