"""Private servers for the whole session; a fresh database and an empty Redis for each test that asks."""

import io
import json
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import probes
from deploy.local.instances import CHECKOUT
from deploy.local.places import PORTS, Ports, RunDirectory
from deploy.local.servers import Nginx, Postgres, Redis
from migrations import runner
from service import logs
from service.nginx_conf import values
from service.settings import Settings

# Each of pytest-xdist's processes has a share of the ports: a port is free for all until a server listens there.
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_PORTS = Ports(among=PORTS[_PROCESS::_PROCESSES])


@pytest.fixture(scope="session")
def server_root() -> Iterator[Path]:
    """A folder for the files of this session's servers, where their user can reach."""
    root = Path(tempfile.mkdtemp(prefix="tests-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def free_port() -> Callable[[str], int]:
    """Gives a free port for a name; the same name never gets the same one twice."""
    return _PORTS.take


@pytest.fixture(scope="session")
def postgres_server(server_root: Path) -> Iterator[Postgres]:
    server = Postgres(server_root, _PORTS.take("postgres"), server_root / "postgres.log", durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(server_root: Path) -> Iterator[Redis]:
    server = Redis(server_root, _PORTS.take("redis"), server_root / "redis.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def new_database(postgres_server: Postgres) -> Callable[[str | None], str]:
    """Makes a database, as a copy of another one where its name is given, and returns its URL."""

    def make(template: str | None = None) -> str:
        name = f"test_{uuid.uuid4().hex}"
        with probes.query(postgres_server.url) as cursor:
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
        return f"{postgres_server.url.rpartition('/')[0]}/{name}"

    return make


@pytest.fixture(scope="session")
def migrated_template(new_database: Callable[..., str]) -> str:
    """The name of an empty database with all migrations; nobody connects to it."""
    url = new_database()
    runner.migrate(url)
    return url.rpartition("/")[2]


@pytest.fixture
def empty_database_url(postgres_server: Postgres, new_database: Callable[..., str]) -> Iterator[str]:
    """A database of its own without any migration."""
    yield from _dropped(postgres_server, new_database())


@pytest.fixture
def database_url(postgres_server: Postgres, new_database: Callable[..., str], migrated_template: str) -> Iterator[str]:
    """A migrated, empty database of its own."""
    yield from _dropped(postgres_server, new_database(migrated_template))


def _dropped(server: Postgres, url: str) -> Iterator[str]:
    yield url
    with probes.query(server.url) as cursor:
        cursor.execute(f'DROP DATABASE "{url.rpartition("/")[2]}" WITH (FORCE)')


@pytest.fixture
def redis_url(redis_server: Redis) -> str:
    """An empty Redis."""
    with probes.client(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def nginx_server(server_root: Path) -> Iterator[Callable[..., Nginx]]:
    """Starts an nginx in front of ``instances`` (host:port each), with further settings by name."""
    started: list[Nginx] = []

    def start(*instances: str, **settings: object) -> Nginx:
        root = Path(tempfile.mkdtemp(prefix="tests-nginx-", dir=server_root.parent))
        root.chmod(0o755)
        listen = f"127.0.0.1:{_PORTS.take(root.name)}"
        chosen = Settings("-", "-", "never used by nginx", listen=listen, instances=",".join(instances), **settings)
        server = Nginx(root, root / "nginx.log", values(chosen))
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.stop()
        shutil.rmtree(server.root)


@pytest.fixture(scope="session")
def closed_port() -> Iterator[str]:
    """An address that refuses every connection: taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture(scope="session")
def silent_port() -> Iterator[str]:
    """An address that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        yield f"127.0.0.1:{silent.getsockname()[1]}"


@pytest.fixture
def certificate(server_root: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1, signed by itself, and its key; nginx' user may read both."""
    return _certified(server_root, "certificate")


@pytest.fixture
def other_certificate(server_root: Path) -> tuple[Path, Path]:
    """The same, and nothing to do with it."""
    return _certified(server_root, "other")


def _certified(folder: Path, name: str) -> tuple[Path, Path]:
    files = folder / f"{name}.pem", folder / f"{name}-key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    names = "subjectAltName=IP:127.0.0.1,DNS:127.0.0.1"  # nginx compares addresses as names
    command += ["-days", "2", "-subj", "/CN=shop", "-addext", names]
    subprocess.run([*command, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True, timeout=20)
    for file in files:
        file.chmod(0o644)
    return files


@pytest.fixture
def log_lines(monkeypatch) -> Iterator[Callable[[], list[dict]]]:
    """What the service has logged during the test: its lines on standard error, parsed."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    logger = logging.getLogger("service")
    before = (logger.handlers[:], logger.level, logger.propagate)
    logs.configure("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.handlers[:], logger.level, logger.propagate = before
