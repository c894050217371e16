"""The Dockerfile and compose.yaml together: with what the image has, every process starts, is healthy, and ends."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from deploy.local.instances import CHECKOUT
from tests.deploy.composed import SERVICES, Container, programs
from tests.deploy.image import DOCKERFILE, Image, copied

SECRETS = {"cart_secret": "a secret of the tests"}
LASTING = ("web-1", "web-2", "invalidator", "sweeper", "watch", "nginx")


@pytest.fixture
def root(server_root: Path) -> Iterator[Path]:
    """A folder that the servers' user can reach."""
    path = Path(tempfile.mkdtemp(prefix="image-", dir=server_root))
    path.chmod(0o755)
    for name in ("run/secrets", "run/overview", "run/overview-nginx", "tmp"):
        path.joinpath(name).mkdir(parents=True)
    path.joinpath("tmp").chmod(0o777)
    yield path
    shutil.rmtree(path)


def test_every_process_runs_on_what_the_image_has(root: Path, free_port, empty_database_url: str, redis_url: str):
    for name, secret in {**SECRETS, "database_url": empty_database_url, "redis_url": redis_url}.items():
        root.joinpath("run/secrets", name).write_text(f"{secret}\n")
    programs(root)
    image = Image(root / "image")
    containers = {name: Container(name, image, root, free_port) for name in ("migrate", "nginx-conf", *LASTING)}
    assert "applied 0001_catalogue.sql" in containers["migrate"].finish()
    containers["nginx-conf"].finish()
    lasting = [containers[name] for name in LASTING]
    try:
        for container in lasting:
            container.launch()
        for container in lasting:
            container.wait_until_ready()
        instances = SERVICES["web-1"]["environment"]["INSTANCES"].replace("unix:/", "").split(",")
        assert all(root.joinpath(instance).is_socket() for instance in instances)
        port = re.search(r"listen 127.0.0.1:(\d+);", (root / "run/overview-nginx/nginx.conf").read_text())
        with urlopen(f"http://127.0.0.1:{port[1]}/products", timeout=5) as answer:
            assert (answer.status, answer.read()) == (200, b"[]")
    finally:
        ended = {container.name: _ended(container) for container in reversed(lasting)}
    assert set(ended.values()) == {0}, {name: containers[name].log_tail() for name, code in ended.items() if code}
    assert '"path":"/products","answered_by":"instance","status":200' in containers["nginx"].log_tail()


def _ended(container: Container) -> int | None:
    process = container.process
    container.stop()
    return process and process.returncode


def test_the_rest_of_the_processes_are_servers_of_others():
    ours = {name for name, service in SERVICES.items() if service["image"].startswith("overview:")}
    assert ours | {"nginx"} == {"migrate", "nginx-conf", *LASTING}
    assert SERVICES.keys() - ours == {"postgres", "redis", "nginx"}


def test_what_is_copied_is_what_the_builder_gets():
    allowed = re.findall(r"^!(.+)$", (CHECKOUT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert sorted(allowed) == sorted([*copied(), "requirements.txt"])


def test_it_runs_as_nobody_in_particular():
    assert re.search(r"^USER (\d+):\1$", DOCKERFILE, re.MULTILINE)[1] != "0"
