"""What the processes of a running stack have used so far."""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple

from deploy.capacity.costs import BATCHES, TIERS
from deploy.local.places import RunDirectory
from deploy.local.processes import StackError, children_by_parent, descendants

_PROCESS_CLOCK = 2  # see clock_getcpuclockid(3): nanoseconds, with threads that have ended
_TIMEOUT_SECONDS = 10
_COUNTERS = {
    "look_up": "overview_redis_call_seconds_count",
    "load": "overview_loads_total",
    "transaction": "overview_cart_batches_total",
}


class Stack(NamedTuple):
    """A running stack: addresses of nginx and of each instance, process ids of each tier, URLs of the stores."""

    address: str
    instances: Sequence[str]
    roots: Mapping[str, Sequence[int]]
    redis_url: str
    database_url: str

    def processor_seconds(self) -> dict[str, float]:
        """Processor time by tier, of the processes that run now."""
        return {tier: sum(map(_seconds, pids)) for tier, pids in self._processes().items()}

    def _processes(self) -> dict[str, list[int]]:
        children = children_by_parent()
        return {
            tier: [each for root in roots for each in (root, *descendants(root, children))]
            for tier, roots in self.roots.items()
        }

    def batches(self) -> dict[str, float]:
        """Look-ups, loads and transactions, as all instances have counted them."""
        texts = [_metrics(address) for address in self.instances]
        return {of: sum(_value(_COUNTERS[of], text) for text in texts) for of in BATCHES}

    def instance_mb(self) -> float:
        """Memory of one instance; what processes share counts once."""
        texts = [Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii") for pid in self._processes()["instance"]]
        return sum(int(found) for text in texts for found in re.findall(r"^Pss: +(\d+)", text, re.MULTILINE)) / (
            1e3 * len(self.instances)
        )


def running(directory: RunDirectory) -> Stack:
    """The stack of ``make up``. Raises StackError if it does not run, or has stores that are not its own."""
    settings, state = directory.environment(), directory.state()
    if directory.supervisor() is None or "parts" not in state:
        raise StackError("the stack is not running: make up")
    instances = [part for part in state["parts"] if part["name"].startswith("web.")]
    roots = {part["name"]: [part["pid"]] for part in state["parts"]}
    roots["instance"] = [part["pid"] for part in instances]
    if missing := [tier for tier in TIERS if tier not in roots]:
        raise StackError(f"processes of others cannot be measured: {', '.join(missing)}")
    return Stack(
        settings["BASE_URL"].removeprefix("http://"),
        [part["address"] for part in instances],
        {tier: roots[tier] for tier in TIERS},
        settings["REDIS_URL"],
        settings["DATABASE_URL"],
    )


def _seconds(pid: int) -> float:
    with suppress(OSError):  # it has ended
        return time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)
    return 0.0


def _metrics(address: str) -> str:
    connection = HTTPConnection(address, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def _value(series: str, text: str) -> float:
    found = re.search(rf"^{series} (\S+)", text, re.MULTILINE)
    if found is None:
        raise StackError(f"an instance does not count {series}")
    return float(found[1])
