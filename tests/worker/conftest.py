from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import psycopg2
import pytest

from deploy.local import probes
from deploy.local.instances import Instance
from tests.integration.clusters import Cluster


@pytest.fixture(scope="module")
def given(new_database: Callable[..., str], migrated_template: str, redis_server) -> dict[str, str]:
    """Settings of an instance over a small catalogue of its own; nobody else changes it."""
    url = new_database(migrated_template)
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO products SELECT n, 'Product ' || n, 'é', 'Words', 'Things', n FROM generate_series(1, 60) n;
            INSERT INTO styles SELECT n, n, 'Style', 10, NULL, true FROM generate_series(1, 40) n;
            INSERT INTO photos SELECT n, 1 + n % 40, repeat('u', 120), repeat('t', 120) FROM generate_series(1, 400) n;
            INSERT INTO skus SELECT n, 1 + n % 40, 'M', 5 FROM generate_series(1, 200) n;
            INSERT INTO related_products SELECT n, 1 + n % 50, 1 + n * 7 % 60 FROM generate_series(1, 200) n"""
        )
    connection.close()
    redis = redis_server.url.rpartition("/")[0] + "/9"
    with probes.client(redis) as client:
        client.flushdb()
    return {
        "DATABASE_URL": url,
        "REDIS_URL": redis,
        "REDIS_TIMEOUT_SECONDS": "1",  # a busy machine is not an outage
        "CART_SECRET": "only for these tests",
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture(scope="module")
def cluster(server_root: Path, free_port) -> Iterator[Cluster]:
    """Masters alone: nobody takes the place of one that is stopped."""
    cluster = Cluster(server_root, free_port, with_replicas=False)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def launch(server_root: Path, free_port, given) -> Iterator[Callable[..., Instance]]:
    """Starts an instance with further settings, ``at_socket`` at a Unix socket too.

    ``arguments`` are gunicorn's, ``limit`` is of descriptors.
    """
    started: list[Instance] = []

    def launch(arguments: str = "", limit: int | None = None, *, at_socket: bool = False, **settings: str) -> Instance:
        root = Path(mkdtemp(prefix="worker-", dir=server_root))
        root.chmod(0o755)
        port = free_port(root.name)
        environ = {**given, **settings, "GUNICORN_CMD_ARGS": arguments}
        started.append(Instance(port, root / "web.log", environ, socket=root / "web.sock" if at_socket else None))
        if limit:
            started[-1].command[-1] = f"ulimit -n {limit}; {started[-1].command[-1]}"
        started[-1].start()
        return started[-1]

    yield launch
    for instance in started:
        instance.stop()
