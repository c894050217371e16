"""Whether a price was read after a newer one."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from tests.chaos.demands import Observed
from tests.chaos.prices import Price

_KNOWN_AFTER_SECONDS = 3.0
"""An invalidator looks every second at the latest, and a master that is silent holds it up until it is replaced."""
_PAUSE_SECONDS = 0.5


def pauses(committed: Sequence[Price]) -> list[tuple[float, float]]:
    """When no price could be committed for a while: there was no primary, to announce one either."""
    moments = [at for _, _, at in committed]
    return [(before, after) for before, after in pairwise(moments) if after - before > _PAUSE_SECONDS]


def older_reads(observed: Observed) -> list[str]:
    """Reads of a price that was older than one committed or read 3 s before, not counting pauses of the feed."""
    stops = pauses(observed.prices)
    newer = [(_known(at, stops), product_id, price, at) for product_id, price, at in observed.prices]
    for each in observed.answers:
        if each.said.price is not None:
            newer.append((_known(each.received, stops), each.product_id, each.said.price, each.received))
    newest: dict[int, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    complaints, known = [], iter(sorted(newer))
    coming = next(known, None)
    for answer in sorted(observed.answers, key=lambda each: each.sent):
        while coming and coming[0] <= answer.sent:
            newest[coming[1]] = max(newest[coming[1]], coming[2:])
            coming = next(known, None)
        price, at = newest[answer.product_id]
        if answer.said.price is not None and answer.said.price < price:
            complaints.append(f"{price} was the price {answer.sent - at:.3f} s before {answer}")
    return complaints


def _known(at: float, stops: Sequence[tuple[float, float]]) -> float:
    """From when on a price of then has to be read."""
    known = at + _KNOWN_AFTER_SECONDS
    for before, after in stops:
        if at <= after and before <= known:
            known += after - before
    return known
