"""The whole cluster: what is on which host, and in which order it starts."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.cluster import postgres, valkey
from deploy.cluster.network import hosts
from deploy.local.files import secret
from deploy.local.hosts import Host
from deploy.local.instances import Instance, Process, Watch
from deploy.local.parts import Parts, say
from deploy.local.processes import Child
from deploy.local.servers import Nginx
from service import nginx_conf
from service.settings import Settings

# Any one host may be lost: a majority of the masters elects a replica, and a standby has every acknowledged commit.
PLACES = {
    "a": ("postgres.1", "valkey.1", "valkey.6", "web.1", "web.2", "invalidator.1", "sweeper", "nginx.1"),
    "b": ("postgres.2", "valkey.2", "valkey.4", "web.3", "web.4", "invalidator.2", "watch", "nginx.2"),
    "c": ("postgres.3", "valkey.3", "valkey.5"),
}
_MASTERS = 3


class Cluster:
    """The parts by their kind; ``settings`` are those of the service. Valkeys 4 to 6 begin as replicas of 1 to 3."""

    def __init__(
        self, root: Path, logs: Path, port: Callable[[str], int], places: Mapping[str, Host], given: Mapping[str, str]
    ) -> None:
        self.root, self.port, self.parts = root, port, Parts(logs)
        self.host_of = {name: places[host] for host, names in PLACES.items() for name in names}
        names = [name for name in self.host_of if name.startswith("postgres.")]
        self.postgres = [self._postgres(name, names) for name in sorted(names)]
        self.valkey = [self._valkey(f"valkey.{number}") for number in range(1, 2 * _MASTERS + 1)]
        self.settings = {**self._settings(), **given}
        self.instances = [self._instance(f"web.{number}", self.settings) for number in range(1, 5)]
        self.settings["INSTANCES"] = ",".join(each.address for each in self.instances)
        self.invalidators = [self._process("invalidator", f"invalidator.{number}") for number in (1, 2)]
        self.sweeper = self._process("sweeper", "sweeper")
        self.nginx = [self._nginx(f"nginx.{number}") for number in (1, 2)]
        self.watch = self._watch()

    def start(self, prepare: Callable[["Cluster"], None]) -> None:
        """Start the stores, ``prepare`` the catalogue, start the rest."""
        first, *others = self.postgres
        self.parts.begin(first, *self.valkey)
        for each in others:
            each.upstream = postgres.url(self.postgres)
        self.parts.begin(*others)  # with a standby commits are acknowledged
        valkey.form(self.valkey[:_MASTERS], self.valkey[_MASTERS:])
        first.upstream = others[0].upstream
        say("valkey", f"{_MASTERS} masters, each with a replica")
        self.parts.command(self.settings, "-m", "migrations")
        say("migrations", "applied")
        prepare(self)
        self.parts.begin(*self.instances, *self.invalidators, self.sweeper)
        self.parts.begin(*self.nginx, self.watch)

    def on(self, host: Host) -> list[Child]:
        """Return the parts on a host."""
        return [part for part in self.parts if part.host is host]

    def _settings(self) -> dict[str, str]:
        password = secret(self._valkey_password)
        return {
            "DATABASE_URL": postgres.url(self.postgres),
            "DATABASE_READ_URL": postgres.url(self.postgres, read_only=True),
            "REDIS_URL": f"redis+cluster://:{password}@" + ",".join(node.address for node in self.valkey),
            "CART_SECRET": secrets.token_hex(32),
            "OPERATIONS": self._address("watch"),
            "DEMO": "on",
            "FORWARDED_ALLOW_IPS": ",".join(sorted({host.ip for host in self.host_of.values()})),
        }

    @property
    def _valkey_password(self) -> Path:
        return self.root / "valkey-password"

    def _address(self, name: str) -> str:
        return f"{self.host_of[name].ip}:{self.port(name)}"

    def _postgres(self, name: str, names: list[str]) -> postgres.Node:
        place, host = (self.root, self.port(name), self.parts.log(name)), self.host_of[name]
        network = f"{host.ip.rpartition('.')[0]}.0/24"
        return postgres.Node(*place, name=name, host=host, names=names, network=network)

    def _valkey(self, name: str) -> valkey.Node:
        place = (self.root, self.port(name), self.port(f"{name} bus"), self.parts.log(name))
        return valkey.Node(*place, name=name, host=self.host_of[name], password=secret(self._valkey_password))

    def _instance(self, name: str, settings: Mapping[str, str]) -> Instance:
        return Instance(self.port(name), self.parts.log(name), settings, name, host=self.host_of[name])

    def _process(self, kind: str, name: str) -> Process:
        return Process(kind, self.parts.log(name), self.settings, name, self.host_of[name])

    def _nginx(self, name: str) -> Nginx:
        log = self.root / name / "prefix" / "access.log"
        settings = {**self.settings, "LISTEN": self._address(name), "NGINX_ACCESS_LOG": str(log)}
        values = nginx_conf.values(Settings.from_env(settings))
        return Nginx(self.root, self.parts.log(name), values, name=name, host=self.host_of[name])

    def _watch(self) -> Watch:
        """Nothing but an nginx of its own host can be followed."""
        (followed,) = (each for each in self.nginx if each.host is self.host_of["watch"] and each.name in PLACES["b"])
        settings = {**self.settings, "NGINX_ACCESS_LOG": str(followed.prefix / "access.log")}
        return Watch(self.parts.log("watch"), settings, self.host_of["watch"])


@contextmanager
def running(
    root: Path,
    logs: Path,
    port: Callable[[str], int],
    prepare: Callable[[Cluster], None],
    settings: Mapping[str, str],
) -> Iterator[Cluster]:
    """Make the hosts and start everything on them; stop everything. ``settings`` go before those of the cluster."""
    root.mkdir(mode=0o755, exist_ok=True)
    with hosts(list(PLACES)) as places:
        cluster = Cluster(root, logs, port, places, settings)
        try:
            cluster.start(prepare)
            yield cluster
        finally:
            cluster.parts.stop()
