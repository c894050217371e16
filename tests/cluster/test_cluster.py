"""Three faults of a cluster in their short form. ``make cluster-chaos`` runs all of them, and longer."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.chaos.faults import Form
from tests.cluster.observing import ROWS, observe_row
from tests.cluster.service_under_test import ClusterService, running

_IN_SHORT = ("nginx killed (-9)", "Valkey master killed (-9)", "Postgres primary killed (-9), a replica is promoted")


@pytest.fixture(scope="module")
def service(server_root, free_port) -> Iterator[ClusterService]:
    root = Path(mkdtemp(prefix="cluster-", dir=server_root))
    root.chmod(0o755)
    with running(root, free_port) as service:
        yield service


@pytest.mark.parametrize("name", _IN_SHORT)
def test_readers_and_writers_notice_no_fault_of_one_part(service, name):
    (fault,) = [each for each in ROWS if each.name == name]
    assert observe_row(service, fault, Form.SHORT).complaints == []
