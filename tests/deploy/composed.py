"""The containers of compose.yaml as processes of this machine, with the image's content alone."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.local import binaries
from deploy.local.instances import CHECKOUT
from deploy.local.processes import Child, StackError, server_user
from tests.deploy.image import Image, health_check

COMPOSE = yaml.safe_load((CHECKOUT / "deploy" / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

_ADDRESS = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)")


class Container(Child):
    """A service of the file, healthy by its own check."""

    def __init__(self, name: str, image: Image, root: Path, free_port: Callable[[str], int]) -> None:
        self._root, self._free_port, self._service = root, free_port, name
        self._ports: dict[str, str] = {}
        service = SERVICES[name]
        self.stop_signal = signal.Signals[service.get("stop_signal", "SIGTERM")]
        given = {key: self._here(value) for key, value in service.get("environment", {}).items()}
        path = {"PATH": f"{image.programs}{os.pathsep}{root}/bin{os.pathsep}{os.defpath}"}
        command = [self._here(word) for word in service["command"]]
        user = server_user() if "user" in service else None
        log = root / f"{name}.log"
        log.touch()
        log.chmod(0o666)  # its user may open /dev/stdout, as in a container
        super().__init__(name, command, log, directory=image.application, environ={**given, **path}, user=user)
        check = service.get("healthcheck", {})
        words = [] if "disable" in check else check["test"][1:] if "test" in check else health_check()
        self._check = [self._here(word) for word in words]

    def probe(self) -> None:
        if self._check and (done := self._run(self._check)).returncode:
            raise StackError(done.stdout)

    def finish(self) -> str:
        """Run it to its end and return what it printed; raises StackError if it fails."""
        done = self._run(self.command)
        if done.returncode:
            raise StackError(done.stdout)
        return done.stdout

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        streams: Mapping[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        return subprocess.run(command, cwd=self.directory, env=self.environ, timeout=30, check=False, **streams)

    def _here(self, text: str) -> str:
        """The text with variables at their defaults, the folders below ``root``, and free ports of this machine."""
        text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")
        text = re.sub(r"(?<![\w.])/(run|tmp)\b", rf"{self._root}/\1", text)
        return _ADDRESS.sub(lambda found: f"127.0.0.1:{self._port(found[1])}", text)

    def _port(self, port: str) -> str:
        """Each instance has its 8000; what several refer to is one."""
        name = f"{self._root} {port} {self._service if port == '8000' else ''}"
        return _PORTS.setdefault(name, str(self._free_port(name)))


_PORTS: dict[str, str] = {}


def programs(root: Path) -> None:
    """Put what the official images have into ``root/bin``."""
    (root / "bin").mkdir()
    (root / "bin" / "nginx").symlink_to(binaries.nginx(root / "shelf"))
