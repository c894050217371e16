"""``make bench-load``: a load against plain \\copy of the same files, in turn, on a private and durable Postgres.

The files that plain \\copy gets are mended beforehand, and that is not counted. Both sides make the same keys, indexes,
references and statistics (plain_load.sql); ours also checks values, mends, refuses, and swaps.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from deploy.local import binaries, probes
from deploy.local.instances import CHECKOUT, environment
from deploy.local.places import Ports, RunDirectory
from deploy.local.processes import StackError
from deploy.local.servers import SHELF, Postgres
from etl.files import FILES, sources
from etl.generate import FULL, complete
from etl.lines import Lines

PLAIN = Path(__file__).with_name("plain_load.sql")
MOST_RATIO = 1.3


class Run(NamedTuple):
    """Seconds that a program took, and the most memory that it held."""

    seconds: float
    peak_megabytes: float


def timed(*command: str | Path, url: str) -> Run:
    """Run a program to its end; raises StackError with its last words if it fails."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            list(map(str, command)), cwd=CHECKOUT, env=environment({"DATABASE_URL": url}), stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if status:
            said.seek(0)
            raise StackError(f"{command[0]} failed:\n{said.read()[-2000:].decode(errors='replace')}")
    return Run(seconds, usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))


def faultless(directory: Path, target: Path) -> Path:
    """Write the files as plain \\copy can read them; those without a fault are links."""
    target.mkdir()
    for source in sources(directory):
        name = source.file.name
        if name not in ("photos.csv", "related.csv"):
            (target / name).symlink_to(source.path.absolute())
            continue
        lines = Lines(source, lambda _done, _total: None)
        with (target / name).open("wb") as file:
            for chunk in iter(lines.read, b""):
                file.write(_related_to_some(chunk) if source.file.never_zero else chunk)
    return target


def _related_to_some(chunk: bytes) -> bytes:
    return b"".join(line for line in chunk.splitlines(keepends=True) if not line.endswith(b",0\n"))


def compare(url: str, psql: Path, directory: Path, mended: Path, rounds: int) -> list[tuple[Run, Run]]:
    """Load ``rounds`` times both ways, in turn, and print how long each took."""
    timed(sys.executable, "-m", "migrations", url=url)
    options = ("--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-v", f"directory={mended}", "-f", PLAIN)
    runs = []
    print(f"{'':10}{'plain copy':>14}{'etl load':>14}{'ratio':>10}", flush=True)
    for number in range(1, rounds + 1):
        _quiet(url, "DROP SCHEMA IF EXISTS plain CASCADE", "CREATE SCHEMA plain")
        plain = timed(psql, *options, url, url=url)
        _quiet(url)
        ours = timed(sys.executable, "-m", "etl", "load", directory, url=url)
        _same_rows(url)
        runs.append((plain, ours))
        print(_line(f"round {number}", plain.seconds, ours.seconds), flush=True)
    return runs


def _quiet(url: str, *statements: str) -> None:
    """Let no side pay for what the other left to be written."""
    with probes.query(url) as cursor:
        for statement in (*statements, "CHECKPOINT"):
            cursor.execute(statement)


def _same_rows(url: str) -> None:
    with probes.query(url) as cursor:
        for file in FILES:
            counts = []
            for schema in ("plain", "public"):
                cursor.execute(f"SELECT count(*) FROM {schema}.{file.table}")  # noqa: S608 - no input
                counts += cursor.fetchone()
            if counts[0] != counts[1]:
                raise StackError(f"{file.table}: \\copy stored {counts[0]} rows, the load {counts[1]}")


def _line(name: str, plain: float, ours: float) -> str:
    return f"{name:10}{plain:12.1f} s{ours:12.1f} s{ours / plain:10.2f}"


def _report(runs: list[tuple[Run, Run]]) -> int:
    plain, ours = (statistics.median(run.seconds for run in side) for side in zip(*runs, strict=True))
    print(_line("median", plain, ours))
    print(f"peak memory of the load: {max(run.peak_megabytes for _, run in runs):.0f} MB")
    if ours > MOST_RATIO * plain:
        print(f"slower than {MOST_RATIO} times plain \\copy", file=sys.stderr)
    return int(ours > MOST_RATIO * plain)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load", description=__doc__)
    parser.add_argument("--products", type=int, default=FULL["product.csv"], help="size of the generated catalogue")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side loads (3)")
    return parser.parse_args()


def _catalogue(run: RunDirectory, products: int, target: Path) -> Path:
    """Return a catalogue: the one that make seed FULL=1 keeps, if it fits, or else a new one in ``target``."""
    if products == FULL["product.csv"] and complete(run.full):
        return run.full
    command = [sys.executable, "-m", "etl", "generate", target, "--products", str(products)]
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    return target


def main() -> int:
    """Return 1 if the load is slower than it may be."""
    options, run = _parsed(), RunDirectory(CHECKOUT / ".run")
    root = Path(tempfile.mkdtemp(prefix="bench-", dir=run.servers()))
    root.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root)
        directory = _catalogue(run, options.products, root / "catalogue")
        mended = faultless(directory, root / "mended")
        server = Postgres(root, Ports().take("postgres"), root / "postgres.log")
        stack.callback(server.stop)
        server.start()
        psql = binaries.psql(root.parent / SHELF)
        return _report(compare(server.url, psql, directory, mended, options.rounds))


if __name__ == "__main__":
    sys.exit(main())
