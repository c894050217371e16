"""One child process: started with a deadline, probed until ready, stopped by its own id."""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy.local.hosts import LOCAL, Host

_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_TAIL_BYTES = 4000


class StackError(Exception):
    """A part of the stack cannot be found, started or reached; the message is for the user."""


def server_user() -> pwd.struct_passwd | None:
    """Return the servers' user: ``nobody`` for root, as which Postgres refuses to run; else None, the current user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise StackError("Postgres refuses to run as root, and there is no user 'nobody' to run it as") from None


def as_user(user: pwd.struct_passwd | None) -> dict:
    """Arguments of Popen that make a child run as ``user``."""
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Child:
    """A process with a log. Subclasses define its preparation, its command and its readiness."""

    stop_signal = signal.SIGTERM
    start_seconds = 30.0
    stop_seconds = 30.0
    address = ""  # host:port, for those that listen

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        directory: Path,
        environ: Mapping[str, str] | None = None,
        user: pwd.struct_passwd | None = None,
        host: Host = LOCAL,
    ) -> None:
        self.name, self.command, self.log = name, [str(part) for part in command], log
        self.directory, self.environ, self.user, self.host = directory, environ, user, host
        self.process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def probe(self) -> None:
        """Raise OSError or StackError while this process is not ready."""

    def start(self) -> None:
        """Launch it and wait until it is ready.

        Raises StackError with the end of the log if it ends early or is not ready in time.
        """
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the process without waiting for it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, self.host.entered():
            self._log_start = log.tell()
            try:
                self.process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.directory,
                    env=self.environ,
                    start_new_session=True,  # Ctrl-C reaches only the supervisor, which stops all in order
                    preexec_fn=_die_with_parent(self.stop_signal),  # noqa: PLW1509 - one system call, no lock
                    **as_user(self.user),
                )
            except OSError as error:
                raise StackError(f"{self.name}: {self.command[0]} cannot be run: {error.strerror}") from None

    def wait_until_ready(self) -> None:
        """Poll the probe until it passes; raises StackError as ``start`` does."""
        deadline = time.monotonic() + self.start_seconds
        while True:
            if self.process is None or self.process.poll() is not None:
                raise StackError(self.report())
            try:
                return self.probe()
            except (OSError, StackError) as error:
                if time.monotonic() > deadline:
                    raise StackError(f"{self.report()}\nlast answer: {error}") from None
            time.sleep(0.02)

    def report(self) -> str:
        """Return its state and the end of its log."""
        status = self.process.poll() if self.process else None
        state = "is not ready" if status is None else f"ended with status {status}"
        return f"{self.name} {state}; the end of {self.log}:\n{self.log_tail()}"

    def log_tail(self) -> str:
        """Return the last lines that this start wrote to the log."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as log:
            log.seek(max(self._log_start, self.log.stat().st_size - _TAIL_BYTES))
            return log.read().decode(errors="replace").strip()
        return ""

    @property
    def pid(self) -> int:
        """Return the process id; only while it runs."""
        if self.process is None:
            raise StackError(f"{self.name} is not running")
        return self.process.pid

    def alive(self) -> bool:
        """Whether the process runs, ready or not."""
        return self.process is not None and self.process.poll() is None

    def children(self) -> set[int]:
        """Return the process ids of its children, and of theirs."""
        return set(descendants(self.pid)) if self.alive() else set()

    def ask_to_stop(self) -> None:
        """Send the stop signal without waiting; ``stop`` waits."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it gracefully, by force after a timeout. Does nothing if it does not run."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """Kill it and all its children (-9)."""
        self._signal_tree(signal.SIGKILL)
        if self.process is not None:
            self.process.wait(self.stop_seconds)
        self.process = None

    def pause(self) -> None:
        """Make it hang, with all its children: connections stay open without responses."""
        self._signal_tree(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._signal_tree(signal.SIGCONT)

    def restart(self) -> None:
        """Stop it if it runs and start it again at the same address."""
        self.stop()
        self.start()

    def _signal_tree(self, number: signal.Signals) -> None:
        for pid in (self.pid, *self.children()) if self.alive() else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _die_with_parent(number: signal.Signals):
    """Return what a child runs before exec, so that it ends even if the supervisor is killed."""
    if _LIBC is None:
        return None
    parent = os.getpid()

    def ask_kernel() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent ended before the call
            os._exit(1)

    return ask_kernel


def children_by_parent() -> dict[int, list[int]]:
    """Process ids by that of their parent, from one look at all processes."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    return children


def descendants(pid: int, children: Mapping[int, Sequence[int]] | None = None) -> Iterator[int]:
    """Process ids of its children, and of theirs; ``children`` are of all processes, looked at now where not given.

    Children of Postgres have sessions of their own, so the process group does not include them all.
    """
    by_parent = children_by_parent() if children is None else children
    for child in by_parent.get(pid, ()):
        yield child
        yield from descendants(child, by_parent)
