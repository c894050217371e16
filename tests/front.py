"""An instance behind nginx, over stores that are there already."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.instances import Instance
from deploy.local.servers import Nginx
from service.nginx_conf import values
from service.settings import Settings


@contextmanager
def behind_nginx(root: Path, given: Mapping[str, str]) -> Iterator[str]:
    """Start both in ``root`` with these settings, at their one instance's and at nginx' address; give nginx' URL."""
    instance = Instance(int(given["INSTANCES"].rpartition(":")[2]), root / "web.log", given)
    nginx = Nginx(root, root / "nginx.log", values(Settings.from_env(given)))
    with ExitStack() as stopping:
        for part in (instance, nginx):
            stopping.callback(part.stop)
            part.start()
        yield nginx.url
