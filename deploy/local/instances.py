"""The processes in the Procfile: instances of the service, the watch process, the invalidator and the sweeper."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local import probes
from deploy.local.hosts import LOCAL, Host
from deploy.local.processes import Child, StackError
from deploy.local.servers import reachable

CHECKOUT = Path(__file__).parents[2]


def procfile() -> dict[str, str]:
    """Return the command line of every process type."""
    lines = (CHECKOUT / "Procfile").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in pairs}


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: this one's with ``settings``, and this Python's programs first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    inherited = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in settings}
    return {**inherited, **settings, "PATH": path}


class Process(Child):
    """One line of the Procfile; it is ready as soon as it runs."""

    def __init__(
        self, kind: str, log: Path, settings: Mapping[str, str], name: str | None = None, host: Host = LOCAL
    ) -> None:
        try:
            line = procfile()[kind]
        except KeyError:
            raise StackError(f"the Procfile has no line {kind!r}") from None
        command = ["/bin/sh", "-c", f"exec {line}"]
        super().__init__(name or kind, command, log, directory=CHECKOUT, environ=environment(settings), host=host)


class Instance(Process):
    """One gunicorn: the ``web`` line of the Procfile with HOST and PORT set, and SOCKET, a path, where there is one.

    ``address`` is for probes and metrics, ``upstream`` for nginx.
    """

    def __init__(
        self,
        port: int,
        log: Path,
        settings: Mapping[str, str],
        name: str = "web",
        socket: Path | None = None,
        host: Host = LOCAL,
    ) -> None:
        given = {**settings, "HOST": host.ip, "PORT": str(port), "SOCKET": str(socket or "")}
        super().__init__("web", log, given, name, host)
        self.address = f"{host.ip}:{port}"
        self.upstream = f"unix:{socket}" if socket else self.address
        self.url = f"http://{self.address}"

    def probe(self) -> None:
        probes.alive(self.address)


class Watch(Process):
    """The watch process, at the address that the setting OPERATIONS has."""

    def __init__(self, log: Path, settings: Mapping[str, str], host: Host = LOCAL) -> None:
        super().__init__("watch", log, settings, host=host)
        self.address = reachable(settings["OPERATIONS"])

    def probe(self) -> None:
        probes.alive(self.address)
