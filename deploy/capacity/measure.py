"""Measures what requests cost on this machine, on the stack of ``make up``: ``python -m deploy.capacity.measure``.

It adds to carts of its own, touches products without changing them, and has the first thousand cached anew. It prints a
file of costs.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from deploy.capacity.costs import BATCHES, CHANGE, REQUESTS, Costs
from deploy.capacity.fit import processor_us
from deploy.capacity.meter import CONNECTIONS, Meter, Used
from deploy.capacity.stack import Stack, running
from deploy.local.instances import CHECKOUT
from deploy.local.places import RunDirectory
from deploy.local.processes import StackError

_AT_ONCE = (CONNECTIONS, 8, 1)


def measure(stack: Stack, seconds: float, machine: str, products: int = 1000) -> Costs:
    """Each kind of request for so long, for the first ``products``. Raises StackError where one fails."""
    with Meter(stack, products) as meter:
        meter.warm(seconds / 4)
        redis_bytes = meter.redis_bytes_a_product()
        idle = meter.rest(seconds)
        used = {kind: [each.less(idle) for each in of] for kind, of in one_kind_at_a_time(meter, seconds).items()}
        changes = meter.change(seconds).less(idle)
        postgres_bytes = meter.postgres_bytes_a_product()
    together = {kind: each[0] for kind, each in used.items()}
    return Costs(
        machine,
        datetime.now(UTC).date().isoformat(),
        processor_us({**used, CHANGE: [changes]}),
        {of: round(rate) for of, rate in batches_a_second(used, len(stack.instances)).items()},
        {kind: round(each.wire_bytes / each.requests) for kind, each in together.items()},
        {kind: round(each.redis_bytes / each.requests) for kind, each in together.items()},
        round(redis_bytes),
        round(postgres_bytes),
        round(stack.instance_mb()),
    )


def one_kind_at_a_time(meter: Meter, seconds: float) -> dict[str, list[Used]]:
    """Each of ``REQUESTS`` for so long, first as many at once as may be, last one after another."""
    return {kind: [meter.use([kind], seconds / len(_AT_ONCE), count) for count in _AT_ONCE] for kind in REQUESTS}


def batches_a_second(used: Mapping[str, Sequence[Used]], instances: int) -> dict[str, float]:
    """Of one instance, under as many requests at once as may be of the kind that has most of these batches."""
    together = [each[0] for each in used.values()]
    return {of: max(each.batches[of] / each.elapsed for each in together) / instances for of in BATCHES}


def main() -> int:
    """Measure, and print the costs."""
    parser = argparse.ArgumentParser(prog="python -m deploy.capacity.measure", description=__doc__)
    parser.add_argument("--directory", type=Path, default=CHECKOUT / ".run", help="where the stack's state is (.run)")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each kind of request (5)")
    parser.add_argument("--machine", default="this machine", help="what to call it")
    given = parser.parse_args()
    try:
        print(measure(running(RunDirectory(given.directory)), given.seconds, given.machine).text(), end="")
    except (StackError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
