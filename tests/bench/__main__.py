"""``make bench``: the service beside Express, FastAPI and a file from nginx, in turn, on the running stack's stores."""

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import psycopg2
import redis

from deploy.local.instances import CHECKOUT
from deploy.local.places import RunDirectory
from deploy.local.processes import StackError
from deploy.local.servers import SHELF
from service.catalogue import Kind
from service.errors import ServiceError
from tests.bench import install, machine
from tests.bench.bench import FULL, QUICK, Bench
from tests.bench.carts import Carts
from tests.bench.cores import confined
from tests.bench.disturbances import NotOurs, Trouble
from tests.bench.figures import Figures, met, table
from tests.bench.rows import ALONE, BEHIND_NGINX, Row
from tests.bench.servers import Server, Starter
from tests.bench.warmth import Warmth, last_fifth


def compare(run: RunDirectory, quick: bool, only: str) -> int:
    """Measure the rows with ``only`` in their name and print the table; 1 if a bound is missed, unless it was quick."""
    settings, (server_core, load_core) = _settings(run), _cores()
    both, stores = {server_core, load_core}, _stores(run)
    os.sched_setaffinity(0, both)
    groups = [[row for row in group if only in row.work] for group in (ALONE, BEHIND_NGINX)]
    with ExitStack() as stack:
        programs, files = run.path / "bench", run.sockets() / "bench"
        stack.callback(shutil.rmtree, files, ignore_errors=True)
        starter = Starter(settings, programs, files)
        warmth = Warmth(settings)
        stack.callback(warmth.close)
        ids = last_fifth(settings["DATABASE_URL"])
        trouble = Trouble(stores, settings["DATABASE_URL"], cycle(range(1, ids[0])))
        carts = Carts(settings)
        stack.callback(carts.close)
        bench = Bench(warmth, carts, trouble, ids, programs / "ids", QUICK if quick else FULL)
        print(*machine.described(settings, run.servers() / SHELF), sep="\n", flush=True)
        found = []
        if groups[0]:
            with (
                starter.alone(server_core, warmth.mean_bytes(Kind.PRODUCT, ids)) as servers,
                confined(stores.values(), {load_core}),
            ):
                bench.compare_answers(servers)
                found += _measured(bench, groups[0], servers, {load_core})
        if groups[1]:
            with starter.behind_nginx(both) as servers:
                found += _measured(bench, groups[1], servers, both)
    print(f"\n{table([(row.work, figures, row.bounds) for row, figures in found])}")
    return 0 if quick or all(met(figures, row.bounds) for row, figures in found) else 1


def _measured(
    bench: Bench, rows: Iterable[Row], servers: Mapping[str, Server], load_cores: set[int]
) -> Iterator[tuple[Row, Figures]]:
    for row in rows:
        try:
            yield row, bench.figures(row, servers, load_cores)
        except NotOurs as error:
            print(f" left out: {error}")


def _settings(run: RunDirectory) -> Mapping[str, str]:
    if run.supervisor() is None or not run.environment():
        raise StackError("the stack is not running: make up")
    return run.environment()


def _stores(run: RunDirectory) -> dict[str, int]:
    """Process ids of the stores that the stack started."""
    return {part["name"]: part["pid"] for part in run.state()["parts"] if part["name"] in ("postgres", "redis")}


def _cores() -> list[int]:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise StackError("make bench needs two cores: one for the server, one for whoever asks")
    return cores[:2]


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--directory", type=Path, default=CHECKOUT / ".run", help="where the stack's state is (.run)")
    parser.add_argument("--quick", action="store_true", help="two short rounds, to try it; the figures mean little")
    parser.add_argument("--only", default="", help="rows with these words in their name")
    return parser.parse_args()


def main() -> int:
    """Measure; whatever was started ends with this process, also on Ctrl-C."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _: sys.exit(128 + number))
    options = _parsed()
    try:
        install.check()
        return compare(RunDirectory(options.directory), options.quick, options.only)
    except KeyboardInterrupt:
        return 130
    except (StackError, ServiceError, psycopg2.Error, redis.RedisError, OSError) as error:
        print(f"\n{str(error).strip() or type(error).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
