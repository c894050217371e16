"""The service as front ends of the old API meet it: an instance behind nginx, over a small catalogue."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.front import behind_nginx
from tests.web import catalogue


@pytest.fixture(scope="module")
def page_port(free_port) -> int:
    """Where the pages of a front end are served: another port is another origin."""
    return free_port("clients page")


@pytest.fixture(scope="module")
def base_url(
    server_root: Path, free_port, new_database, migrated_template, redis_server, page_port: int
) -> Iterator[str]:
    """Where the old API's base URL points to now; carts are known by Authorization, as they were there."""
    root = Path(mkdtemp(prefix="clients-", dir=server_root.parent))
    root.chmod(0o755)
    given = {
        "DATABASE_URL": new_database(migrated_template),
        "REDIS_URL": redis_server.url.rpartition("/")[0] + "/8",
        "CART_SECRET": "only for these tests",
        "CART_BY_AUTHORIZATION": "on",
        "CORS_ORIGINS": f"http://localhost:{page_port}",
        "INSTANCES": f"127.0.0.1:{free_port('clients web')}",
        "LISTEN": f"127.0.0.1:{free_port('clients nginx')}",
    }
    catalogue.fill(given["DATABASE_URL"])
    with behind_nginx(root, given) as url:
        yield url
    shutil.rmtree(root)
