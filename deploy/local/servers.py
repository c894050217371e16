"""Private Postgres, Redis and nginx as children of this process."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import binaries, probes
from deploy.local.files import own, secret, write_for_server
from deploy.local.hosts import LOCAL, Host
from deploy.local.processes import Child, StackError, as_user, server_user
from service.nginx_conf import TEMPLATE, has_http2_directive, render

Options = Mapping[str, str]

SHELF = "wheels"
_USER = "product_overview"
_DATABASE = "postgres"
NONE: Options = {}
_OF_TESTS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "logical"}


class Postgres(Child):
    """A Postgres with its data in ``root/name/data``, created at the first start, and further ``options``.

    With ``durable=False`` a power cut may lose its data: acceptable in tests, and faster.
    """

    stop_signal = signal.SIGINT  # fast shutdown: does not wait for clients
    start_seconds = 300.0  # after a crash it recovers first

    def __init__(
        self,
        root: Path,
        port: int,
        log: Path,
        *,
        durable: bool = True,
        connections: int = 100,
        name: str = "postgres",
        host: Host = LOCAL,
        options: Options = NONE,
    ) -> None:
        self.programs = binaries.postgres(root.parent / SHELF)
        self.data, self.durable = root / name / "data", durable
        self.password_file = root / name / "password"
        of_all = {
            "port": port,
            "listen_addresses": host.ip,
            "unix_socket_directories": "",  # their paths are limited to about 100 characters
            "shared_buffers": "256MB",
            "max_connections": connections,
            "max_wal_size": "2GB",
            "timezone": "UTC",
            **({} if durable else _OF_TESTS),
            **options,
        }
        settings = [part for option, value in of_all.items() for part in ("-c", f"{option}={value}")]
        command = [self.programs / "postgres", "-D", self.data, *settings]
        super().__init__(name, command, log, directory=self.data, user=server_user(), host=host)
        self.address = f"{host.ip}:{port}"

    @property
    def url(self) -> str:
        """Return its URL, password included."""
        return f"postgresql://{_USER}:{secret(self.password_file)}@{self.address}/{_DATABASE}"

    def launch(self) -> None:
        if self.data.exists():
            self._check_version()
        else:
            self._make_data()
        super().launch()

    def probe(self) -> None:
        probes.postgres(self.url)

    def _check_version(self) -> None:
        made = (self.data / "PG_VERSION").read_text().strip()
        said = subprocess.run([self.programs / "postgres", "--version"], capture_output=True, check=True, timeout=10)
        if made not in re.findall(r"\d+", said.stdout.decode()):
            found = f"{self.programs} has {said.stdout.decode().strip()}"
            raise StackError(f"the data is of Postgres {made}, but {found}: set POSTGRES_BIN, or make clean")

    def _make_data(self) -> None:
        making = self.data.with_name("making")
        if making.exists():
            shutil.rmtree(making)
        own(making)
        self._fill(making)
        making.rename(self.data)

    def _fill(self, making: Path) -> None:
        """Make the data in a folder of the server's user."""
        secret(self.password_file)
        command = ["initdb", "-D", making, "-U", _USER, "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"]
        self._command(making, [*command, f"--pwfile={self.password_file}", *([] if self.durable else ["--no-sync"])])

    def _command(self, directory: Path, command: Sequence[str | Path], environ: Options | None = None) -> None:
        """Run one of Postgres' programs there, as the server's user; raises StackError with what it says."""
        program, *arguments = command
        command = [self.programs / program, *arguments]
        with self.host.entered():
            fixed = {"capture_output": True, "timeout": 120, "cwd": directory, **as_user(self.user)}
            done = subprocess.run(command, check=False, env=environ, **fixed)
        if done.returncode:
            raise StackError(f"{program} failed:\n{done.stderr.decode(errors='replace').strip()}")


class Redis(Child):
    """A Redis or Valkey without persistence, with a password that no list of processes shows."""

    def __init__(
        self, root: Path, port: int, log: Path, *, name: str = "redis", host: Host = LOCAL, options: Options = NONE
    ) -> None:
        program = binaries.redis(root.parent / SHELF)
        directory = own(root / name)
        self.configuration = directory / "redis.conf"
        password = options.get("requirepass") or secret(directory / "password")
        self.options = {
            "port": str(port),
            "bind": host.ip,
            "daemonize": "no",
            "save": '""',
            "appendonly": "no",
            "maxmemory": "512mb",
            "maxmemory-policy": "volatile-lru",
            "requirepass": password,
            **options,
        }
        command = [program, self.configuration]
        super().__init__(name, command, log, directory=directory, user=server_user(), host=host)
        self.address = f"{host.ip}:{port}"
        self.url = f"redis://:{password}@{self.address}/0"

    def launch(self) -> None:
        write_for_server(self.configuration, "".join(f"{name} {value}\n" for name, value in self.options.items()))
        super().launch()

    def probe(self) -> None:
        probes.redis(self.url)


class Nginx(Child):
    """An nginx with the project's template; ``values`` come from service.nginx_conf.

    Its files (access log, micro-cache, temporary bodies) are in ``prefix``.
    """

    template = TEMPLATE

    def __init__(
        self,
        root: Path,
        log: Path,
        values: Mapping[str, str | Sequence[str]],
        *,
        name: str = "nginx",
        host: Host = LOCAL,
    ) -> None:
        self.program = binaries.nginx(root.parent / SHELF)
        if "HTTP2_DIRECTIVE" in values:
            values = {**values, "HTTP2_DIRECTIVE": "on" if has_http2_directive(self.program) else ""}
        self.root = root
        self.prefix = own(root / name / "prefix")
        self.configuration = root / name / "nginx.conf"
        self.values = values
        command = [self.program, "-p", self.prefix, "-c", self.configuration, "-e", "stderr", "-g", "daemon off;"]
        environ = {name: value for name, value in os.environ.items() if name != "NGINX"}  # to nginx: inherited sockets
        user = server_user()
        super().__init__(name, command, log, directory=self.prefix, environ=environ, user=user, host=host)
        self.address = reachable(str(values["LISTEN"]))
        self.url = f"http://{self.address}"

    def launch(self) -> None:
        self._configure()
        super().launch()

    def reload(self) -> None:
        """Have new workers take its ``values`` as they are now; the old ones end after their current requests."""
        self._configure()
        os.kill(self.pid, signal.SIGHUP)

    def _configure(self) -> None:
        self.configuration.write_text(render(self.template.read_text(encoding="utf-8"), self.values), encoding="utf-8")

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
