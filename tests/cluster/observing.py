"""A row of the table: readers, a price feed and writers around a fault, and what each found."""

import time
from typing import NamedTuple
from uuid import uuid4

from tests.chaos.demands import Observed
from tests.chaos.faults import Fault, Form, observe
from tests.chaos.waits import wait_until
from tests.cluster import host_faults, part_faults, store_faults
from tests.cluster.operator import spread_masters
from tests.cluster.prices import older_reads, pauses
from tests.cluster.service_under_test import ClusterService
from tests.cluster.traffic import price_feed
from tests.ledger.writers import Report, Writers

ROWS = (*part_faults.ROWS, *store_faults.ROWS, *host_faults.ROWS)
_SHOWN = 3
_WRITERS, _SHARED_CARTS, _PAUSE_SECONDS = 4, 3, 0.02


class Row(NamedTuple):
    """What readers saw, what became of writes to carts, and whatever was not as wanted.

    Everything is back when it has its second again. ``older`` is how many prices were read after newer ones;
    ``complaints`` are of readers and of writers.
    """

    observed: Observed
    carts: Report
    older: int
    complaints: list[str]

    @property
    def feed_paused_seconds(self) -> float:
        """How long no price could be committed."""
        return sum(after - before for before, after in pauses(self.observed.prices))


def observe_row(service: ClusterService, fault: Fault, form: Form) -> Row:
    """Have the fault strike under load. Raises AssertionError if the service is not well before, or never again."""
    spread_masters(service)
    writers = Writers(service.fronts(), _WRITERS, _SHARED_CARTS, uuid4().hex, _PAUSE_SECONDS)
    with writers.writing(), price_feed(service) as prices:
        observed = observe(service, fault, form)
        wait_until(service.is_whole)
        whole = time.monotonic() - observed.ended
    back = None if observed.back_seconds is None else max(whole, observed.back_seconds)
    observed = observed._replace(prices=prices, back_seconds=back)
    carts = writers.compared(service.fronts())
    older = older_reads(observed)
    complaints = [*fault.complaints(observed), *older[:_SHOWN], *carts.complaints[:_SHOWN]]
    if not (carts.counts["acknowledged"] and observed.prices):
        complaints.append("nothing was written")
    return Row(observed, carts, len(older), complaints)
