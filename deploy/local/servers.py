"""Private Postgres, Redis and nginx on 127.0.0.1, as children of this process."""

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import binaries, probes
from deploy.local.processes import Child, StackError, as_user, server_user
from service.nginx_conf import TEMPLATE, has_http2_directive, render

SHELF = "wheels"
_USER = "product_overview"
_DATABASE = "postgres"
_OF_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "logical"}


class Postgres(Child):
    """A Postgres with its data in ``root/postgres/data``, created at the first start.

    With ``durable=False`` a power cut may lose its data: acceptable in tests, and faster.
    """

    stop_signal = signal.SIGINT  # fast shutdown: does not wait for clients
    start_seconds = 300.0  # after a crash it recovers first

    def __init__(self, root: Path, port: int, log: Path, *, durable: bool = True, connections: int = 100) -> None:
        self.programs = binaries.postgres(root.parent / SHELF)
        self.data, self.durable = root / "postgres" / "data", durable
        self.password_file = root / "postgres" / "password"
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",  # their paths are limited to about 100 characters
            "shared_buffers": "256MB",
            "max_connections": connections,
            "max_wal_size": "2GB",
            "timezone": "UTC",
            **({} if durable else _OF_TESTS),
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [self.programs / "postgres", "-D", self.data, *settings]
        super().__init__("postgres", command, log, directory=self.data, user=server_user())
        self.address = f"127.0.0.1:{port}"

    @property
    def url(self) -> str:
        """Return its URL, password included."""
        return f"postgresql://{_USER}:{self._password()}@{self.address}/{_DATABASE}"

    def launch(self) -> None:
        if self.data.exists():
            self._check_version()
        else:
            self._initdb()
        super().launch()

    def probe(self) -> None:
        probes.postgres(self.url)

    def _password(self) -> str:
        return _secret(self.password_file)

    def _check_version(self) -> None:
        made = (self.data / "PG_VERSION").read_text().strip()
        said = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, check=True, timeout=10)
        if made not in re.findall(r"\d+", said.stdout.decode()):
            found = f"{self.programs} has {said.stdout.decode().strip()}"
            raise StackError(f"the data is of Postgres {made}, but {found}: set POSTGRES_BIN, or make clean")

    def _initdb(self) -> None:
        making = self.data.with_name("making")
        if making.exists():
            shutil.rmtree(making)
        _own(making)
        self._password()
        command = [self.programs / "initdb", "-D", making, "-U", _USER, "--encoding=UTF8", "--locale=C"]
        command += ["--auth=scram-sha-256", f"--pwfile={self.password_file}", *([] if self.durable else ["--no-sync"])]
        made = subprocess.run(command, capture_output=True, cwd=making, timeout=120, check=False, **as_user(self.user))
        if made.returncode:
            raise StackError(f"initdb failed:\n{made.stderr.decode(errors='replace').strip()}")
        making.rename(self.data)


class Redis(Child):
    """A Redis or Valkey without persistence, with a password that no list of processes shows."""

    def __init__(self, root: Path, port: int, log: Path) -> None:
        program = binaries.redis(root.parent / SHELF)
        directory = _own(root / "redis")
        self.configuration, password = directory / "redis.conf", _secret(directory / "password")
        self.options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "daemonize": "no",
            "save": '""',
            "appendonly": "no",
            "maxmemory": "512mb",
            "maxmemory-policy": "volatile-lru",
            "requirepass": password,
        }
        super().__init__("redis", [program, self.configuration], log, directory=directory, user=server_user())
        self.address = f"127.0.0.1:{port}"
        self.url = f"redis://:{password}@{self.address}/0"

    def launch(self) -> None:
        _write_for_server(self.configuration, "".join(f"{name} {value}\n" for name, value in self.options.items()))
        super().launch()

    def probe(self) -> None:
        probes.redis(self.url)


class Nginx(Child):
    """An nginx with the project's template; ``values`` come from service.nginx_conf.

    Its files (access log, micro-cache, temporary bodies) are in ``prefix``.
    """

    template = TEMPLATE

    def __init__(self, root: Path, log: Path, values: Mapping[str, str | Sequence[str]]) -> None:
        self.program = binaries.nginx(root.parent / SHELF)
        if "HTTP2_DIRECTIVE" in values:
            values = {**values, "HTTP2_DIRECTIVE": "on" if has_http2_directive(self.program) else ""}
        self.root = root
        self.prefix = _own(root / "nginx" / "prefix")
        self.configuration = root / "nginx" / "nginx.conf"
        self.values = values
        command = [self.program, "-p", self.prefix, "-c", self.configuration, "-e", "stderr", "-g", "daemon off;"]
        environ = {name: value for name, value in os.environ.items() if name != "NGINX"}  # to nginx: inherited sockets
        super().__init__("nginx", command, log, directory=self.prefix, environ=environ, user=server_user())
        self.address = reachable(str(values["LISTEN"]))
        self.url = f"http://{self.address}"

    def launch(self) -> None:
        self.configuration.write_text(render(self.template.read_text(encoding="utf-8"), self.values), encoding="utf-8")
        super().launch()

    def reload(self) -> None:
        """Reload its configuration in new workers; the old ones end after their current requests."""
        os.kill(self.pid, signal.SIGHUP)

    def probe(self) -> None:
        probes.status(self.address, "/metrics")  # answered by nginx itself, without an upstream


def reachable(listen: str) -> str:
    """Return ``host:port`` at which to reach a server that listens on ``listen``, perhaps on all addresses.

    Raises StackError unless it is ``host:port`` or a port.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise StackError(f"LISTEN must be host:port, not {listen!r}")
    return f"{'127.0.0.1' if host in ('', '*', '0.0.0.0') else host}:{port}"  # noqa: S104


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step by one that only its owner reads."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _secret(file: Path) -> str:
    """Return the password that a file holds, made at the first use for its server alone to read."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        _write_for_server(file, secrets.token_hex(16))
    return file.read_text(encoding="ascii")


def _write_for_server(path: Path, text: str) -> None:
    write_private(path, text)
    if user := server_user():
        os.chown(path, user.pw_uid, user.pw_gid)


def _own(directory: Path) -> Path:
    """Create a folder owned by the servers' user; its parents, and files put there, belong to the current user."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)
    if user := server_user():
        os.chown(directory, user.pw_uid, user.pw_gid)
    return directory
