"""``make chaos``: every fault in its long form, on stacks of its own; prints the table of docs/failure.md."""

import argparse
import datetime
import os
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from deploy.local.processes import StackError
from tests.bench.machine import processor
from tests.chaos import matrix
from tests.chaos.faults import Fault, Form, observe
from tests.e2e.service_under_test import Service, running

_HEADINGS = ("fault", "what is wanted", "requests", "errors", "worst ms", "seconds to recover", "held")


def run(only: str, form: Form) -> int:
    """Print a line for each fault with ``only`` in its name; 1 if any did not hold."""
    root = Path(mkdtemp(prefix="chaos-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    print(f"{datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores of {processor()}\n")
    print(_line(_HEADINGS), _line("---" for _ in _HEADINGS), sep="\n", flush=True)
    held, ports = [], Ports()
    try:
        for proxied, faults in ((False, matrix.DIRECT), (True, matrix.PROXIED)):
            if chosen := [fault for fault in faults if only in fault.name]:
                with running(root / f"proxied-{proxied}", ports.take, proxied=proxied) as service:
                    held += [_held(service, fault, form) for fault in chosen]
    finally:
        shutil.rmtree(root)
    return 0 if all(held) else 1


def _held(service: Service, fault: Fault, form: Form) -> bool:
    """Print the line of one fault, and what was not as wanted."""
    try:
        observed = observe(service, fault, form)
    except (AssertionError, StackError) as error:
        figures, complaints = ("", "", "", ""), [f"it was not observed to its end: {error}"]
    else:
        back = "never" if observed.back_seconds is None else f"{observed.back_seconds:.2f}"
        worst = f"{observed.worst_seconds * 1000:.0f}"
        figures = (f"{len(observed.answers):,}", f"{observed.errors:,}", worst, back)
        complaints = fault.complaints(observed)
    print(_line((fault.name, fault.wanted, *figures, "NO" if complaints else "yes")), flush=True)
    for complaint in complaints:
        print(f"{fault.name}: {complaint}", file=sys.stderr)
    return not complaints


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run; whatever was started ends with this process, also on Ctrl-C."""
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _: sys.exit(128 + number))
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
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


if __name__ == "__main__":
    sys.exit(main())
