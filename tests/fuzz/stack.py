"""The service with the sample catalogue, whose limits leave room for floods."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.openapi.examples import fill
from tests.e2e.service_under_test import Service, running

# A busy machine is no defect of the service: the stores have time.
_SETTINGS = {
    "CART_RATE": "0",
    "POSTGRES_CONNECTIONS": "8",
    "POSTGRES_TIMEOUT_SECONDS": "4",
    "REDIS_TIMEOUT_SECONDS": "2",
    "CACHE_SHADOW_PERCENT": "0",
}


@contextmanager
def fuzzed(root: Path, free_port: Callable[[str], int]) -> Iterator[Service]:
    """Start everything in ``root``; stop everything."""
    with running(root, free_port, settings=_SETTINGS) as service:
        fill(service.postgres.url, root / "catalogue")
        yield service
