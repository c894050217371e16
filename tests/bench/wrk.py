"""The closed loop: wrk, with some connections that each send the next request as soon as the last is answered."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.local.processes import StackError

_SCRIPTS = Path(__file__).parent
_LONGEST_SECONDS = 60
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Report(NamedTuple):
    """What wrk said: answers, answers a second, 99th percentile in milliseconds, failed requests."""

    answers: int
    rate: float
    p99_ms: float
    errors: int


def run(
    address: str, script: str, variables: Mapping[str, str], connections: int, seconds: int, cores: set[int]
) -> Report:
    """Send the requests of a script, which takes these variables of the environment; wrk runs on these cores.

    Raises StackError if wrk says nothing.
    """
    command = _command(address, script, connections, seconds, cores)
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    return parse(done.stdout or done.stderr)


@contextmanager
def beside(
    address: str, script: str, variables: Mapping[str, str], connections: int, cores: set[int]
) -> Iterator[None]:
    """Send such requests until the end of the block, and say nothing of them."""
    command = _command(address, script, connections, _LONGEST_SECONDS, cores)
    with subprocess.Popen(command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _command(address: str, script: str, connections: int, seconds: int, cores: set[int]) -> list[str]:
    command = ["taskset", "-c", ",".join(map(str, cores)), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    return [*command, "--latency", "-s", str(_SCRIPTS / script), f"http://{address}/"]


def parse(said: str) -> Report:
    """Read wrk's report; answers other than 2xx and 3xx and broken sockets are errors. StackError if it is none."""
    rate, answers = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"(\d+) requests in", said)
    p99 = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s|m) *$", said, re.MULTILINE)
    if not (rate and answers and p99):
        raise StackError(f"wrk printed no figures:\n{said}")
    refused = re.findall(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.findall(r"\b(?:connect|read|write|timeout) (\d+)", said)
    return Report(
        int(answers[1]), float(rate[1]), float(p99[1]) * _MILLISECONDS[p99[2]], sum(map(int, refused + broken))
    )
