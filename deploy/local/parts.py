"""The processes of a stack: started together, watched, stopped from the outside in."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local.instances import CHECKOUT, environment
from deploy.local.processes import Child, StackError

_STOPPED_LATER = {"nginx": 0, "redis": 2, "valkey": 2, "postgres": 3}


def say(part: str, text: str) -> None:
    """Print a line of progress."""
    print(f"{part:<12} {text}", flush=True)


class Parts(list[Child]):
    """The processes in the order of their start, each with a log in the folder ``logs``."""

    def __init__(self, logs: Path) -> None:
        super().__init__()
        self.logs = logs

    def log(self, name: str) -> Path:
        """Return the path of a part's log."""
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{name}.log"

    def begin(self, *parts: Child) -> None:
        """Start parts concurrently; each is registered before it runs, so that a signal leaves no process behind."""
        started = time.monotonic()
        for part in parts:
            self.append(part)
            part.launch()
        for part in parts:
            part.wait_until_ready()
            where = f"at {part.address}" if part.address else "running"
            say(part.name, f"{where}, after {time.monotonic() - started:.1f} s")

    def command(self, settings: Mapping[str, str], *arguments: str | Path) -> None:
        """Run this Python with the stack's settings and wait for it; raises StackError with its log."""
        log = self.log("commands")
        with log.open("ab") as output:
            command = [sys.executable, *map(str, arguments)]
            environ = environment(settings)
            done = subprocess.run(command, cwd=CHECKOUT, env=environ, stdout=output, stderr=output, check=False)
        if done.returncode:
            end = log.read_text(errors="replace")[-4000:].strip()
            raise StackError(f"python {' '.join(map(str, arguments))} failed; the end of {log}:\n{end}")

    def watch(self) -> None:
        """Report when a part ends, until an exception. The others keep running."""
        gone: set[Child] = set()
        while True:
            for part in self:
                if part not in gone and not part.alive():
                    gone.add(part)
                    print(part.report(), flush=True)
            time.sleep(0.5)

    def stop(self) -> None:
        """Stop nginx first: it closes its connections, so that instances need not wait for them. Stores come last."""
        for rank in range(4):
            these = [part for part in self if _STOPPED_LATER.get(part.name.partition(".")[0], 1) == rank]
            for part in these:
                part.ask_to_stop()
            for part in these:
                part.stop()
        say("stopped", f"{len(self)} processes")
