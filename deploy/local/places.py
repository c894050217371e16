"""The files and ports of the stack."""

import contextlib
import fcntl
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import socket
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from deploy.local.files import write_private
from deploy.local.processes import StackError, server_user

# Below the ports that the kernel gives to outgoing connections, so that the port of a stopped server stays free.
PORTS = range(20000, 32000)
# The path of a socket has at most 107 bytes, of which its name takes some.
_PATH_FOR_SOCKETS = re.compile(r"[A-Za-z0-9/._-]{1,80}")


class RunDirectory:
    """The folder ``.run``: environment, logs and state of one stack."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "log"
        self.stack_log = self.path / "stack.log"
        self.sample, self.full = self.path / "sample", self.path / "full"
        self.report = self.path / "load-report.json"
        self._env, self._state, self._lock = (self.path / name for name in ("env", "state.json", "lock"))

    def servers(self) -> Path:
        """Return the folder of the servers' files, for ``nobody`` to reach when root runs the stack.

        Raises StackError if that one is another user's.
        """
        if server_user() is None:
            root = self.path / "servers"
            root.mkdir(parents=True, exist_ok=True)
            return root
        return self._made_outside()

    def sockets(self) -> Path:
        """Return a folder for Unix sockets, whose paths are short and whose words nginx and a shell read as one.

        Raises StackError if it is another user's.
        """
        servers = self.servers()
        return servers if _PATH_FOR_SOCKETS.fullmatch(str(servers)) else self._made_outside()

    def nginx_access_log(self) -> Path:
        """Return the path of the access log, in a folder that nginx may write to, which is one word to nginx."""
        servers, sockets = self.servers(), self.sockets()
        return servers / "stack" / "nginx" / "prefix" / "access.log" if servers == sockets else sockets / "access.log"

    def _outside(self) -> Path:
        name = hashlib.sha256(str(self.path).encode()).hexdigest()[:12]
        return Path("/var/tmp") / f"product-overview-{name}"  # noqa: S108 - _made_outside() checks whose it is

    def _made_outside(self) -> Path:
        root = self._outside()
        with contextlib.suppress(FileExistsError):
            root.mkdir(mode=0o755)
        if root.is_symlink() or root.stat().st_uid != os.geteuid():
            raise StackError(f"{root} belongs to somebody else: remove it")
        root.chmod(0o755)
        return root

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._outside().exists():
            shutil.rmtree(self._made_outside())

    def environment(self) -> dict[str, str]:
        """Return the settings in ``env``; none if it does not exist."""
        try:
            return dict(word.split("=", 1) for word in shlex.split(self._env.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}

    def write_environment(self, settings: dict[str, str]) -> None:
        """Write ``env``: lines that a shell and ``environment`` read alike."""
        write_private(self._env, "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items()))

    def state(self) -> dict[str, Any]:
        """Return what the last supervisor wrote: ``ports`` by name, ``parts``, and its ``pid``."""
        try:
            return json.loads(self._state.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}

    def write_state(self, state: dict[str, Any]) -> None:
        """Replace the state."""
        write_private(self._state, json.dumps(state, indent=1))

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the supervisor's lock; the kernel releases it when this process ends."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError("the stack is running already") from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def supervisor(self) -> int | None:
        """Return the process id of the running supervisor, if there is one."""
        with contextlib.suppress(FileNotFoundError), self._lock.open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0) or None
        return None


class Ports:
    """Hands out free ports of 127.0.0.1, each once, from ``among``; prefers the one that a name had before."""

    def __init__(self, before: dict[str, int] | None = None, among: Sequence[int] = PORTS) -> None:
        self._before, self._among = before or {}, among
        self.given: dict[str, int] = {}

    def take(self, name: str, prefer: Iterable[int] = ()) -> int:
        """Return a free port for ``name``: the first free one of ``prefer``, its last, or any."""
        last = [self._before[name]] if name in self._before else []
        others = random.sample(self._among, 200)
        for port in (*prefer, *last, *others):
            if port not in self.given.values() and _free(port):
                self.given[name] = port
                return port
        raise StackError(f"no free port for {name}")


def _free(port: int) -> bool:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
