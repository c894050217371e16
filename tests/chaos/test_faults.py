"""Every fault of the matrix in its short form. ``make chaos`` runs the long one."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.chaos import matrix
from tests.chaos.faults import Fault, Form, observe
from tests.e2e.service_under_test import Service, running


@pytest.fixture(scope="module")
def root(server_root) -> Path:
    root = Path(mkdtemp(prefix="chaos-", dir=server_root))
    root.chmod(0o755)
    return root


@pytest.fixture(scope="module")
def service(root, free_port) -> Iterator[Service]:
    with running(root / "direct", free_port) as service:
        yield service


@pytest.fixture(scope="module")
def proxied_service(root, free_port) -> Iterator[Service]:
    with running(root / "proxied", free_port, proxied=True) as service:
        yield service


def _named(faults: tuple[Fault, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


@_named(matrix.DIRECT)
def test_a_fault_of_a_part(service, fault):
    assert fault.complaints(observe(service, fault, Form.SHORT)) == []


@_named(matrix.PROXIED)
def test_a_fault_of_the_way_to_a_store(proxied_service, fault):
    assert fault.complaints(observe(proxied_service, fault, Form.SHORT)) == []
