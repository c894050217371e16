"""Reports of instances for tests: a few series, by the second."""

from array import array

from service.metrics.series import name
from service.watch.instances import Report

HITS = name("overview_documents_total", kind="product", outcome="hit")
MISSES = name("overview_documents_total", kind="product", outcome="miss")
OPENINGS = name("overview_breaker_openings_total", part="redis")

NOW = 1_800_000_000  # the first second of a minute


def report(*rows: tuple[int, int], incarnation: str = "a", started: float = NOW - 1, **said) -> Report:
    """Of an instance with these counts of HITS at the ends of these seconds."""
    said = {"worker": 1, "version": "1", "gauges": {}, "hottest": (), "missed": (), **said}
    return Report(incarnation, started, series=(HITS,), rows=[array("Q", row) for row in rows], **said)
