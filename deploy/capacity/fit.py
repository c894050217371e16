"""From what requests used, at several numbers at once, to what each costs and what each batch costs."""

from collections.abc import Mapping, Sequence
from statistics import linear_regression

from deploy.capacity.costs import CHANGE, TIERS
from deploy.capacity.meter import Used

BATCHED = ("instance", "redis", "postgres")
"""Tiers that work in batches."""

Measured = Mapping[str, Sequence[Used]]
ByTier = dict[str, float]


def processor_us(measured: Measured) -> dict[str, ByTier]:
    """By tier, of each of ``REQUESTS``, ``BATCHES`` and ``CHANGE``, which are measured one kind at a time.

    What a batch took is a line: its own cost, and so much for each request in it. Pages share the look-ups of hits.
    """
    found: dict[str, ByTier] = {}
    for kind, batch in (("hit", "look_up"), ("miss", "load"), ("addition", "transaction")):
        lines = {tier: _line(measured[kind], batch, tier, found) for tier in BATCHED}
        found[batch] = dict.fromkeys(TIERS, 0.0) | {tier: of_batch for tier, (_, of_batch) in lines.items()}
        found[kind] = {tier: lines[tier][0] if tier in lines else _mean(measured[kind], tier, found) for tier in TIERS}
    for kind in {"page", CHANGE} & measured.keys():
        found[kind] = {tier: _mean(measured[kind], tier, found) for tier in TIERS}
    return {of: {tier: round(us, 2) for tier, us in by_tier.items()} for of, by_tier in found.items()}


def _line(used: Sequence[Used], batch: str, tier: str, known: Mapping[str, ByTier]) -> tuple[float, float]:
    """Of a request and of a batch, neither below 0."""
    sizes = [each.requests / each.batches[batch] for each in used]
    line = linear_regression(sizes, [_left_us(each, tier, known) / each.batches[batch] for each in used])
    return max(0.0, line.slope), max(0.0, line.intercept)


def _mean(used: Sequence[Used], tier: str, known: Mapping[str, ByTier]) -> float:
    return max(0.0, sum(_left_us(each, tier, known) for each in used) / sum(each.requests for each in used))


def _left_us(used: Used, tier: str, known: Mapping[str, ByTier]) -> float:
    """What the batches whose cost is known did not take."""
    return used.seconds[tier] * 1e6 - sum(used.batches[of] * known[of][tier] for of in used.batches if of in known)
