"""Hit rates: ``python -m service.hits`` reads the metrics of every instance and prints a line per kind.

A rate is the share of documents that came from Redis, fresh or stale, since the instances started.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from http.client import HTTPException

from prometheus_client.parser import text_string_to_metric_families

from service.metrics.series import OUTCOMES
from service.settings import Settings
from service.watch.connections import connection_to

_DEADLINE_SECONDS = 2.0

Counts = Counter[tuple[str, str]]


def counted(instances: Iterable[str]) -> tuple[Counts, list[str]]:
    """Documents by (kind, outcome) over all instances, and the instances without a response.

    ``instances`` are ``host:port`` or ``unix:/path``.
    """
    counts: Counts = Counter()
    silent = []
    for instance in instances:
        try:
            counts.update(parse(_metrics(instance)))
        except (HTTPException, OSError):
            silent.append(instance)
    return counts, silent


def _metrics(instance: str) -> str:
    with closing(connection_to(instance, _DEADLINE_SECONDS)) as connection:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()


def parse(metrics: str) -> Counts:
    """Documents by (kind, outcome) in one instance's ``/metrics``."""
    samples = (sample for family in text_string_to_metric_families(metrics) for sample in family.samples)
    return Counter(
        {
            (sample.labels["kind"], sample.labels["outcome"]): int(sample.value)
            for sample in samples
            if sample.name == "overview_documents_total" and sample.value
        }
    )


def table(counts: Counts) -> str:
    """Counts and hit rate of each kind, and of all kinds together."""
    rows = [f"{'kind':10}{'hit rate':>10}" + "".join(f"{outcome:>10}" for outcome in OUTCOMES)]
    for kind in [*sorted({kind for kind, _ in counts}), "all"]:
        of = [sum(n for (k, o), n in counts.items() if kind in (k, "all") and o == outcome) for outcome in OUTCOMES]
        rate = f"{sum(of[:2]) / sum(of):.1%}" if sum(of) else "-"
        rows.append(f"{kind:10}{rate:>10}" + "".join(f"{count:>10}" for count in of))
    return "\n".join(rows)


def main() -> int:
    """Print the table for INSTANCES; 1 if one of them does not answer."""
    counts, silent = counted(Settings.from_env().addresses())
    print(table(counts))  # noqa: T201
    for instance in silent:
        print(f"no answer from {instance}", file=sys.stderr)  # noqa: T201
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
