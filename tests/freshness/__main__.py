"""``python -m tests.freshness``: prints the tables of docs/freshness.md, measured on a stack of its own."""

import datetime
import os
import sys
from collections.abc import Sequence
from statistics import median

from tests.bench.machine import processor
from tests.freshness.measure import FeedFigures, Freshness, feed, feeding, freshness, private_service
from tests.freshness.replicated import replicated

ROUNDS = 3
SECONDS = 20
FEED_SECONDS = 60

LAG_SECONDS = 0.050
MICRO_CACHE_SECONDS = 2.0
OUTBOX_SECONDS = 1.0


def main() -> int:
    """Measure; 1 if a bound is missed."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    print(f"{today}, {os.cpu_count()} cores of {processor()}\n", flush=True)
    with private_service() as service:
        alone = [freshness(service, SECONDS) for _ in range(ROUNDS)]
        fed = feed(service, FEED_SECONDS)
        with feeding(service):
            beside = [freshness(service, SECONDS) for _ in range(ROUNDS)]
        front = [freshness(service, SECONDS, service.nginx.address) for _ in range(ROUNDS)]
        with replicated(service) as (of_standby, published):
            arrived = [freshness(of_standby, SECONDS, published=published) for _ in range(ROUNDS)]
            wrong = service.wrong_hits() + of_standby.wrong_hits()
    lines = {
        "alone": alone,
        "beside the feed": beside,
        "through nginx with its micro-cache": front,
        "that arrive by logical replication, read from a standby": arrived,
    }
    print(_freshness_table(lines), _feed_table(fed), sep="\n\n")
    print(f"\n{wrong} wrong hits")
    held = all(map(_fresh, (*alone, *beside, *arrived))) and all(map(_fresh_enough, front)) and _kept_up(fed)
    held = held and not wrong
    return 0 if held else 1


def _fresh(one: Freshness) -> bool:
    return one.percentile(0.99) <= LAG_SECONDS and not one.returned and not one.failed


def _fresh_enough(one: Freshness) -> bool:
    return one.lags[-1] <= MICRO_CACHE_SECONDS + LAG_SECONDS and not one.failed


def _kept_up(fed: FeedFigures) -> bool:
    return fed.oldest_seconds < OUTBOX_SECONDS and fed.hit_rate >= fed.hit_rate_before and not fed.failed


def _freshness_table(lines: dict[str, Sequence[Freshness]]) -> str:
    rows = [
        "| changes | reads | last read of the old version, ms after COMMIT: p50 | p99 | longest | went back | failed |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rounds in lines.items():
        p50, p99 = (median(one.percentile(share) for one in rounds) * 1000 for share in (0.5, 0.99))
        longest = max(one.lags[-1] for one in rounds) * 1000
        changes, reads, returned, failed = (
            sum(getattr(one, what) for one in rounds) for what in ("changes", "reads", "returned", "failed")
        )
        rows.append(
            f"| {changes:,}, {name} | {reads:,} | {p50:.1f} | {p99:.1f} | {longest:.1f} | {returned} | {failed} |"
        )
    return "\n".join(rows)


def _feed_table(fed: FeedFigures) -> str:
    return (
        "| updates/s | ms each 500 | reads | hits before | beside it | read p99 ms | oldest in outbox, ms | failed |\n"
        "|---|---|---|---|---|---|---|---|\n"
        f"| {fed.rows_a_second:,.0f} | {fed.statement_seconds * 1000:.1f} | {fed.reads:,} "
        f"| {fed.hit_rate_before:.2%} | {fed.hit_rate:.2%} | {fed.p99_read_seconds * 1000:.1f} "
        f"| {fed.oldest_seconds * 1000:.0f} | {fed.failed} |"
    )


if __name__ == "__main__":
    sys.exit(main())
