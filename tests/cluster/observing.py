"""A row of the table: readers, a price feed and writers around a fault, and what each found."""

import time
from itertools import pairwise
from typing import NamedTuple
from uuid import uuid4

from tests.chaos.demands import Observed
from tests.chaos.faults import Fault, Form, observe
from tests.chaos.waits import wait_until
from tests.cluster import host_faults, part_faults, store_faults
from tests.cluster.service_under_test import ClusterService
from tests.cluster.traffic import price_feed
from tests.ledger.writers import Report, Writers

ROWS = (*part_faults.ROWS, *store_faults.ROWS, *host_faults.ROWS)
_WRITERS, _SHARED_CARTS, _PAUSE_SECONDS = 4, 3, 0.02


class Row(NamedTuple):
    """What readers saw, what became of writes to carts, and whatever was not as wanted.

    Everything is back when it has its second again. ``complaints`` are of readers and of writers.
    """

    observed: Observed
    carts: Report
    complaints: list[str]

    @property
    def feed_paused_seconds(self) -> float:
        """The longest that no price could be committed: how long the primary was gone."""
        moments = [at for _, _, at in self.observed.prices]
        return max((later - earlier for earlier, later in pairwise(moments)), default=0.0)


def observe_row(service: ClusterService, fault: Fault, form: Form) -> Row:
    """Have the fault strike under load. Raises AssertionError if the service is not well before, or never again."""
    writers = Writers(service.fronts(), _WRITERS, _SHARED_CARTS, uuid4().hex, _PAUSE_SECONDS)
    with writers.writing(), price_feed(service) as prices:
        observed = observe(service, fault, form)
        wait_until(service.is_whole)
        whole = time.monotonic() - observed.ended
    back = None if observed.back_seconds is None else max(whole, observed.back_seconds)
    observed = observed._replace(prices=prices, back_seconds=back)
    carts = writers.compared(service.fronts())
    complaints = [*fault.complaints(observed), *carts.complaints[:3]]
    if not carts.counts["acknowledged"]:
        complaints.append("nothing was written to carts")
    return Row(observed, carts, complaints)
