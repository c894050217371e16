"""``make chaos``: every fault in its long form, on stacks of its own; prints the table of docs/failure.md."""

import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from deploy.local.instances import CHECKOUT
from deploy.local.places import Ports, RunDirectory
from deploy.local.processes import StackError
from tests.chaos import matrix, table
from tests.chaos.faults import Fault, Form, observe
from tests.e2e.service_under_test import Service, running

_HEADINGS = ("fault", "what is wanted", *table.FIGURES, "held")


def run(only: str, form: Form) -> int:
    """Print a line for each fault with ``only`` in its name; 1 if any did not hold."""
    root = Path(mkdtemp(prefix="chaos-", dir=RunDirectory(CHECKOUT / ".run").servers()))
    root.chmod(0o755)
    table.print_header(_HEADINGS)
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
        figures, complaints = ("",) * len(table.FIGURES), [f"it was not observed to its end: {error}"]
    else:
        figures, complaints = table.figures(observed), fault.complaints(observed)
    return table.print_row(fault, (fault.wanted, *figures), complaints)


if __name__ == "__main__":
    sys.exit(table.main("python -m tests.chaos", __doc__, run))
