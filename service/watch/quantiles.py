"""Quantiles of a histogram, as Prometheus' ``histogram_quantile`` estimates them."""

from __future__ import annotations

from collections.abc import Sequence


def quantile(share: float, bounds: Sequence[float], counts: Sequence[int]) -> float | None:
    """The value that ``share`` of the observations do not exceed; None without any.

    ``counts`` are those of each bucket alone, one more than there are upper ``bounds``. Within a bucket, observations
    count as spread evenly; beyond the last bound, that bound is all that is known.
    """
    rank, below = share * sum(counts), 0
    if not any(counts):
        return None
    for number, (bound, count) in enumerate(zip(bounds, counts, strict=False)):
        if count and below + count >= rank:
            start = bounds[number - 1] if number else 0.0
            return start + (bound - start) * (rank - below) / count
        below += count
    return bounds[-1]
