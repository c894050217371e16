"""``make cluster-chaos``: every part of a cluster fails under load; prints the table of docs/failure.md."""

import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from deploy.local.processes import StackError
from tests.chaos import table
from tests.chaos.faults import Fault, Form
from tests.cluster.observing import ROWS, observe_row
from tests.cluster.service_under_test import ClusterService, running

_OF_WRITES = ("older after newer", "feed paused, seconds", "cart writes acknowledged", "lost")
_HEADINGS = ("fault", *table.FIGURES, *_OF_WRITES, "held")


def run(only: str, form: Form) -> int:
    """Print a line for each fault with ``only`` in its name; 1 if any did not hold."""
    root = Path(mkdtemp(prefix="cluster-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    try:
        with running(root, Ports().take) as service:
            table.print_header(_HEADINGS)
            held = [_held(service, fault, form) for fault in ROWS if only in fault.name]
    finally:
        shutil.rmtree(root)
    return 0 if all(held) else 1


def _held(service: ClusterService, fault: Fault, form: Form) -> bool:
    """Print the line of one fault, and what was not as wanted."""
    try:
        row = observe_row(service, fault, form)
    except (AssertionError, StackError) as error:
        cells: tuple[str, ...] = ("",) * (len(_HEADINGS) - 2)
        return table.print_row(fault, cells, [f"it was not observed to its end: {error}"])
    carts = f"{row.carts.counts['acknowledged']:,}", f"{row.carts.differences['lost']:,}"
    writes = f"{row.older:,}", f"{row.feed_paused_seconds:.1f}", *carts
    return table.print_row(fault, (*table.figures(row.observed), *writes), row.complaints)


if __name__ == "__main__":
    sys.exit(table.main("python -m tests.cluster", __doc__, run))
