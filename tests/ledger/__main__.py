"""``make ledger``: 200,000 writes to carts under faults, each looked for in the end, for docs/carts.md."""

import argparse
import datetime
import os
import sys
from collections.abc import Mapping

from tests.bench.machine import processor
from tests.ledger.run import Run, private_stack
from tests.ledger.writers import Report, first_of

OPERATIONS, ROUNDS, SECONDS = 200_000, 5, 330.0


def main() -> int:
    """Run and print; 1 if a write is not there as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.ledger", description=__doc__)
    parser.add_argument("--operations", type=int, default=OPERATIONS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each fault strikes at least")
    options = parser.parse_args()
    print(f"{datetime.datetime.now(datetime.UTC).date()}, {os.cpu_count()} cores of {processor()}\n", flush=True)
    with private_stack() as stack:
        report = Run(stack, options.operations, options.rounds).report(SECONDS)
    print(_table(_figures(report)), _table(report.faults), sep="\n\n")
    if report.complaints:
        print(f"\n{len(report.complaints)} complaints:\n{first_of(report.complaints)}", file=sys.stderr)
    return 0 if report.held else 1


def _figures(report: Report) -> dict[str, int]:
    said = ("operations", "acknowledged", "refused", "unknown", "attempts repeated with a key")
    said += ("repeated after its answer", "sent twice at once")
    wrong = {name: report.differences[name] for name in ("doubled", "lost", "over the limit")}
    return {**{name: report.counts[name] for name in said}, "carts": report.carts, **wrong}


def _table(figures: Mapping[str, int]) -> str:
    names, values = " | ".join(figures), " | ".join(f"{value:,}" for value in figures.values())
    return f"| {names} |\n|{'---|' * len(figures)}\n| {values} |"


if __name__ == "__main__":
    sys.exit(main())
