"""``make bench-queries``: the queries beside a peer's, pages at both ends, and reads of a small and a large catalogue.

The first table is of prepared statements, warm, round trips included. A peer asks for one product at a time: with the
pool and the deadlines that our queries have (theirs), and with neither, on one blocking connection (plain).
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median

import psycopg2

from deploy.local.processes import StackError
from service.catalogue import Kind
from service.catalogue.database import DOCUMENTS
from service.coroutines import block_on
from service.postgres import SESSION, Call, Postgres, Statement, options
from service.settings import Settings
from tests.bench import growth, pages
from tests.bench.turns import SAMPLE, Side, trials
from tests.bench.warmth import last_fifth

PEERS = Path(__file__).parent / "peers" / "queries.sql"
KINDS = (Kind.PRODUCT, Kind.STYLES, Kind.RELATED)
BATCH = 32
ORIGINAL_MS = 0.14  # EXPLAIN's execution time of one product, as the old service's author noted it


def report(url: str, ids: Sequence[int], count: int) -> None:
    """Print the times for a document, and what EXPLAIN says about our queries."""
    print(f"{'a document, µs':16}{'theirs':>8}{'plain':>8} | {'alone, ratios':>20} | {'in 32s, ratios':>20} | EXPLAIN")
    for kind in KINDS:
        found = compared(url, kind, ids, count)
        one, many = execution_ms(url, kind, ids, 1), execution_ms(url, kind, ids, BATCH) / BATCH
        print(
            f"{kind:16}{found['theirs']:8.1f}{found['plain']:8.1f}"
            f" | {_with_ratios(found, 'alone')} | {_with_ratios(found, 'in 32s')}"
            f" | {one:.3f} ms alone, {many:.3f} in 32s",
            flush=True,
        )
    print(f"EXPLAIN's time of the old service's author: {ORIGINAL_MS} ms for a product alone\n")


def _with_ratios(found: Mapping[str, float], ours: str) -> str:
    return f"{found[ours]:6.1f}" + "".join(f"{found[ours] / found[theirs]:6.2f}x" for theirs in ("theirs", "plain"))


def compared(url: str, kind: Kind, ids: Sequence[int], count: int) -> dict[str, float]:
    """Microseconds for a document of each side, ``alone`` and ``in 32s`` being ours."""
    peers = Statement(f"{kind}_alone", _peers()[kind])

    def opened(stack: ExitStack) -> Mapping[str, Side]:
        pools = [Postgres(url, 1, 20.0) for _ in range(3)]
        for pool in pools:
            stack.callback(pool.close)
        cursor = _plain(stack, url)
        cursor.execute(f"PREPARE {kind} (int) AS {peers.sql}")
        return {
            "theirs": lambda asked: [block_on(pools[0].run(Call(peers, (one,)))) for one in asked],
            "plain": lambda asked: [_fetched(cursor, kind, one) for one in asked],
            "alone": lambda asked: [block_on(pools[1].run(Call(DOCUMENTS[kind], ([one],)))) for one in asked],
            "in 32s": lambda asked: [
                block_on(pools[2].run(Call(DOCUMENTS[kind], (part,)))) for part in _parts(asked, BATCH)
            ],
        }

    return trials(opened, ids, count)


def execution_ms(url: str, kind: Kind, ids: Sequence[int], together: int) -> float:
    """Median of EXPLAIN's execution time for a query of so many ids, warm, in milliseconds."""
    parts = _parts(random.sample(ids, SAMPLE), together)
    with ExitStack() as stack:
        cursor = _plain(stack, url, options(SESSION))
        cursor.execute(f"PREPARE ours AS {DOCUMENTS[kind].sql}")
        _, found = ([_explained(cursor, part) for part in parts] for _ in range(2))
    return median(found)


def _explained(cursor: psycopg2.extensions.cursor, ids: Sequence[int]) -> float:
    cursor.execute("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE ours(%s)", (str({*ids}),))
    ((plan,),) = cursor.fetchall()
    return (plan if isinstance(plan, list) else json.loads(plan))[0]["Execution Time"]


def _plain(stack: ExitStack, url: str, options: str = "") -> psycopg2.extensions.cursor:
    connection = stack.enter_context(closing(psycopg2.connect(url, options=options)))
    connection.autocommit = True
    return connection.cursor()


def _fetched(cursor: psycopg2.extensions.cursor, kind: Kind, product_id: int) -> object:
    cursor.execute(f"EXECUTE {kind}(%s)", (product_id,))
    return cursor.fetchone()


def _peers() -> dict[str, str]:
    parts = re.split(r"^-- name: (\w+)\n", PEERS.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _parts(ids: Sequence[int], size: int) -> list[list[int]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


def main() -> int:
    """Measure with the settings in the environment."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.queries", description=__doc__)
    parser.add_argument("--trials", type=int, default=11, help="connections made anew, for each figure (11)")
    count, settings = parser.parse_args().trials, Settings.from_env()
    try:
        ids = last_fifth(settings.database_url)
        if len(ids) < SAMPLE:
            raise StackError("the catalogue is too small: make seed FULL=1")
        report(settings.database_url, ids, count)
        pages.report(settings, ids, count)
        growth.report(settings)
    except (StackError, psycopg2.Error) as error:
        print(str(error).strip(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
