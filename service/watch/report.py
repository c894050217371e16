"""The state as plain text: a table for ``--once``, and a line a second where there is no terminal."""

from __future__ import annotations

from service.metrics.series import KINDS, OUTCOMES
from service.watch import shown
from service.watch.client import Json

_WINDOWS = ("now", "1m", "5m", "1h", "24h", "total")


def table(state: Json) -> str:
    """Documents of each kind in each window: the hit rate, how many a second, and counts by outcome.

    Now is the last complete second, total is since the instances started. The last line is about everything.
    """
    header = f"{'kind':8}{'window':>8}{'hit rate':>10}{'per s':>10}" + "".join(f"{outcome:>12}" for outcome in OUTCOMES)
    rows = [_row(kind, window, state["kinds"][kind][window]) for kind in (*KINDS, "all") for window in _WINDOWS]
    return "\n".join((header, *rows, state["sentence"]))


def _row(kind: str, window: str, counts: Json) -> str:
    of = "".join(f"{counts[outcome]:>12}" for outcome in OUTCOMES)
    return f"{kind:8}{window:>8}{shown.share(counts['rate']):>10}{counts['per_second']:>10.1f}{of}"


def line(state: Json) -> str:
    """The last complete second: hit rate, requests, misses, errors, and the lag of the invalidations."""
    documents = state["kinds"]["all"]["now"]
    requests, errors = (total(state, name) for name in ("per_second", "errors_per_second"))
    misses = documents["miss"] + documents["bypass"]
    lag = shown.duration(state["postgres"].get("oldest_seconds"))
    return (
        f"{shown.clock(state['time'])} {shown.share(documents['rate']):>7} {shown.per_second(requests):>9} req/s"
        f" {misses:>7} misses {shown.per_second(errors):>7} errors/s  lag {lag}"
    )


def total(state: Json, name: str) -> float:
    """A number of each instance, summed."""
    return sum(instance[name] or 0 for instance in state["instances"])


def silent(state: Json) -> list[str]:
    """The addresses of the instances that do not respond."""
    return [instance["address"] for instance in state["instances"] if instance["state"] != "up"]
