"""How observations are printed: a table in Markdown, a line a fault, and what was not as wanted on standard error."""

import argparse
import datetime
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence

from deploy.local.processes import StackError
from tests.bench.machine import processor
from tests.chaos.demands import Observed
from tests.chaos.faults import Fault, Form

FIGURES = ("requests", "errors", "worst ms", "seconds to recover")


def print_header(headings: Sequence[str]) -> None:
    """Print when and where it is, and the first lines of the table."""
    print(f"{datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores of {processor()}\n")
    print(_line(headings), _line("---" for _ in headings), sep="\n", flush=True)


def print_row(fault: Fault, cells: Iterable[str], complaints: Sequence[str]) -> bool:
    """Print the line of a fault, and what was not as wanted; whether that is nothing."""
    print(_line((fault.name, *cells, "NO" if complaints else "yes")), flush=True)
    for complaint in complaints:
        print(f"{fault.name}: {complaint}", file=sys.stderr, flush=True)
    return not complaints


def figures(observed: Observed) -> tuple[str, ...]:
    """The cells of ``FIGURES``."""
    back = "never" if observed.back_seconds is None else f"{observed.back_seconds:.2f}"
    worst = f"{observed.worst_seconds * 1000:.0f}"
    return f"{len(observed.answers):,}", f"{observed.errors:,}", worst, back


def main(program: str, description: str | None, run: Callable[[str, Form], int]) -> int:
    """Run by the command line; whatever was started ends with this process, also on Ctrl-C."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(prog=program, description=description)
    parser.add_argument("--only", default="", help="faults with these words in their name")
    parser.add_argument("--short", action="store_true", help="as the tests run them")
    options = parser.parse_args()
    try:
        return run(options.only, Form.SHORT if options.short else Form.LONG)
    except KeyboardInterrupt:
        return 130
    except (StackError, OSError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
