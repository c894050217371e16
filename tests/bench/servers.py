"""The servers that are compared, each started at a port of its own and kept to its cores."""

import json
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

from deploy.local import probes
from deploy.local.instances import Instance, environment
from deploy.local.places import Ports
from deploy.local.processes import Child
from deploy.local.servers import Nginx
from service import nginx_conf
from service.catalogue import Kind
from service.settings import Settings
from service.web.read_matching import SUFFIXES
from tests.bench import install
from tests.bench.figures import OURS
from tests.bench.warmth import EXPRESS_KEYS, FASTAPI_KEYS, LIFETIME, OUR_KEYS

EXPRESS, FASTAPI, FILE, TUNED_FILE = "express", "fastapi", "nginx file", "nginx file, tuned"
BARE, MICRO_CACHED = "ours, bare proxy", "ours, micro-cache"
UNCOUNTED = "ours, uncounted"
_KEYS = {OURS: OUR_KEYS, UNCOUNTED: OUR_KEYS, EXPRESS: EXPRESS_KEYS, FASTAPI: FASTAPI_KEYS}
_TIMEOUT_SECONDS = 5.0


class Server(NamedTuple):
    """Something to be measured: where to ask, the processes whose time counts, what its names in Redis begin with."""

    address: str
    roots: list[int]
    keys: str = ""
    file: str = ""

    def path(self, kind: Kind) -> tuple[str, str]:
        """What stands before and after the id in a request's path; a file is always the same one."""
        return (f"/{self.file}?", "") if self.file else ("/products/", SUFFIXES[kind])

    def document(self, kind: Kind, product_id: int) -> Any:
        """What it says of one product; raises OSError unless it says something."""
        url = f"http://{self.address}{str(product_id).join(self.path(kind))}"
        with urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:
            return json.load(answer)


class Peer(Child):
    """A server that listens at a port of 127.0.0.1 and answers requests for products, whatever it says."""

    def __init__(self, name: str, command: list[str | Path], port: int, log: Path, settings: Mapping[str, str]) -> None:
        super().__init__(name, command, log, directory=install.PEERS, environ=environment(settings))
        self.address = self.upstream = f"127.0.0.1:{port}"

    def probe(self) -> None:
        probes.status(self.address, "/products/1")


class StaticFile(Nginx):
    """An nginx with one worker that serves one file of so many bytes, at a second port as fast as it can."""

    name_of_file = "product.json"
    template = Path(__file__).with_name("static.conf.template")

    def __init__(self, root: Path, log: Path, ports: tuple[int, int], size: int) -> None:
        self.addresses = [f"127.0.0.1:{port}" for port in ports]
        super().__init__(root, log, dict(zip(("LISTEN", "TUNED_LISTEN"), self.addresses, strict=True)))
        self.size = size

    def launch(self) -> None:
        files = self.prefix / "files"
        files.mkdir(exist_ok=True)
        (files / self.name_of_file).write_bytes(b"x" * self.size)
        super().launch()

    def probe(self) -> None:
        probes.status(self.address, f"/{self.name_of_file}")


class BareProxy(Nginx):
    """An nginx that does nothing but pass requests on to instances."""

    template = Path(__file__).with_name("bare_proxy.conf.template")

    def probe(self) -> None:
        probes.status(self.address, "/livez")


class Starter:
    """Starts servers; ``programs`` is where the peers' are installed, ``files`` where nginx keeps its own."""

    def __init__(self, settings: Mapping[str, str], programs: Path, files: Path) -> None:
        self.settings = {**settings, **LIFETIME, "LOG_LEVEL": "WARNING", "NODE_ENV": "production"}
        self.settings["CART_MAX_ITEMS"] = str(2**31 - 1)  # of hot carts that are added to for ever
        self.settings["CART_MAX_LINES"] = "10000"
        self.programs, self.files, self.ports = programs, files, Ports()

    @contextmanager
    def alone(self, core: int, file_bytes: int):
        """Start one process of each server and yield them by name; all share a core."""
        ports = self.ports.take(FILE), self.ports.take(TUNED_FILE)
        static = StaticFile(self.files / "static", self._log("static"), ports, file_bytes)
        uncounted = self._ours(2)
        uncounted.command[-1] = uncounted.command[-1].replace("service.wsgi:app", "tests.bench.uncounted:app")
        children = {OURS: self._ours(1), UNCOUNTED: uncounted, EXPRESS: self._express(1), FASTAPI: self._fastapi()}
        with self._running([*children.values(), static], {core}):
            files = zip((FILE, TUNED_FILE), static.addresses, strict=True)
            yield {
                **{name: Server(child.address, [child.pid], _KEYS[name]) for name, child in children.items()},
                **{name: Server(address, [static.pid], file=static.name_of_file) for name, address in files},
            }

    @contextmanager
    def behind_nginx(self, cores: set[int]):
        """Start one process a core of ours and of Express, each behind an nginx with the project's template.

        Two more stand before the same instances of ours: a bare proxy, and one with the micro-cache.
        """
        groups = {OURS: [self._ours(n) for n in cores], EXPRESS: [self._express(n) for n in cores]}
        behind_front = {**groups, BARE: groups[OURS], MICRO_CACHED: groups[OURS]}
        fronts = {name: self._front(name, group) for name, group in behind_front.items()}
        behind = [child for group in groups.values() for child in group]
        with self._running(behind, cores), self._running(fronts.values(), cores):
            yield {
                name: Server(
                    front.address, [front.pid, *(child.pid for child in behind_front[name])], _KEYS.get(name, OUR_KEYS)
                )
                for name, front in fronts.items()
            }

    def _ours(self, number: int) -> Instance:
        name = f"bench-ours-{number}"
        return Instance(self.ports.take(name), self._log(name), self.settings, name, self.files / f"{name}.sock")

    def _express(self, number: int) -> Peer:
        name, modules = f"bench-express-{number}", install.express(self.programs / "express")
        port = self.ports.take(name)
        settings = {**self.settings, "NODE_PATH": str(modules), "PORT": str(port)}
        return Peer(name, ["node", install.PEERS / "express" / "server.js"], port, self._log(name), settings)

    def _fastapi(self) -> Child:
        port, uvicorn = self.ports.take("bench-fastapi"), install.fastapi(self.programs / "fastapi")
        options = ["--no-access-log", "--log-level", "warning", "--port", str(port)]
        command = [uvicorn, "--app-dir", install.PEERS / "fastapi", *options, "server:app"]
        return Peer("bench-fastapi", command, port, self._log("bench-fastapi"), self.settings)

    def _front(self, name: str, behind: Iterable[Instance | Peer]) -> Nginx:
        own = {
            "LISTEN": f"127.0.0.1:{self.ports.take(f'front-{name}')}",
            "INSTANCES": ",".join(child.upstream for child in behind),
            "MICRO_CACHE": "on" if name == MICRO_CACHED else "off",
        }
        values = nginx_conf.values(Settings.from_env({**self.settings, **own}))
        place = self.files / f"front-{name.replace(', ', '-').replace(' ', '-')}", self._log(f"front-{name}")
        if name == BARE:
            return BareProxy(*place, {key: values[key] for key in ("LISTEN", "INSTANCES")})
        return Nginx(*place, values)

    def _log(self, name: str) -> Path:
        return self.programs / "log" / f"{name}.log"

    @contextmanager
    def _running(self, children: Iterable[Child], cores: set[int]):
        with ExitStack() as stopping:
            for child in children:
                child.command = ["taskset", "-c", ",".join(map(str, cores)), *child.command]
                stopping.callback(child.stop)
                child.launch()
            for child in children:
                child.wait_until_ready()
            yield
