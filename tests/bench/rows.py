"""The rows of the table: what is measured, of which servers, and what is wanted."""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

from service.catalogue import Kind
from tests.bench import figures
from tests.bench.disturbances import Trouble, additions, redis_pauses, stalls_and_locks, storm_of_misses
from tests.bench.figures import OURS, Bound
from tests.bench.servers import BARE, EXPRESS, FASTAPI, FILE, MICRO_CACHED, TUNED_FILE, UNCOUNTED, Server

_UNDISTURBED = "ours undisturbed"
_FEW = "ours, 8"
_PLAIN = "ours without gzip"
_KEYED = "ours, with keys"
_PRODUCT = "ours, product alone"
_CALLS = "ours, the page's calls one by one"
_BROWSER = "gzip, deflate, br"

PAGE, CALLS = "/page", "calls"
"""What a line of a row of pages asks for: the page, or the calls that it replaces; either counts pages."""


class Line(NamedTuple):
    """One side of a row, perhaps with something that goes wrong meanwhile."""

    server: str
    connections: int = 64
    disturbed: Callable[[Trouble, Server], AbstractContextManager[None]] | None = None
    encodings: str = ""
    keyed: bool = False
    asks_for: str = ""


class Row(NamedTuple):
    """Lines that are measured in turn, each round. With ``constant_rate``, requests per second, it is an open loop.

    ``drawn`` gives the ids that are asked for, each as often as it is there. ``clients`` is how many different blocks
    of headers there are: more than any memory of them may hold. With ``carts``, products are added to so many carts, or
    with 0 to a new one each time. With ``pages``, all that the products' pages show is warm.
    """

    work: str
    lines: Mapping[str, Line]
    bounds: Sequence[Bound]
    kind: Kind = Kind.PRODUCT
    cold: bool = False
    clients: int = 10_000
    constant_rate: float = 0.0
    drawn: Callable[[Sequence[int]], Sequence[int]] = list
    carts: int | None = None
    pages: bool = False


def _of(*servers: str, connections: int = 64) -> dict[str, Line]:
    return {server: Line(server, connections) for server in servers}


def _zipf(ids: Sequence[int]) -> Sequence[int]:
    """As a shop is asked: the n-th product one n-th as often as the first."""
    return random.choices(ids, [1 / rank for rank in range(1, len(ids) + 1)], k=2 * len(ids))


def _hot(ids: Sequence[int]) -> Sequence[int]:
    return ids[:1]


def _additions(work: str, carts: int, connections: int, times: float) -> Row:
    lines = {
        OURS: Line(OURS, connections),
        _KEYED: Line(OURS, connections, keyed=True),
        EXPRESS: Line(EXPRESS, connections),
    }
    bounds = (figures.faster(EXPRESS, times), figures.no_errors(), figures.no_less(_KEYED, 0.67))
    return Row(f"additions, {work}, {connections} connections", lines, bounds, carts=carts)


ALONE = (
    Row(
        "product, Redis warm, 64 connections",
        _of(OURS, EXPRESS, FASTAPI, FILE, TUNED_FILE),
        (figures.faster(EXPRESS, 8), figures.faster(FASTAPI, 15), figures.faster(FILE, 0.8)),
    ),
    Row(
        "product, Redis warm, 64 connections, one client's headers",
        _of(OURS, EXPRESS),
        (figures.faster(EXPRESS, 8),),
        clients=1,
    ),
    Row(
        "product, Redis warm, 256 connections",
        _of(OURS, EXPRESS, FASTAPI, FILE, TUNED_FILE, connections=256),
        (figures.faster(FILE, 1),),
    ),
    Row(
        "product, Redis warm, and what counting costs",
        _of(OURS, UNCOUNTED),
        (figures.no_more("cpu_us", UNCOUNTED, 1.01, "cpu µs ≤ 1.01x uncounted"),),
    ),
    Row(
        "processor time at 256 connections against 8",
        {OURS: Line(OURS, 256), _FEW: Line(OURS, 8)},
        (figures.no_more("cpu_us", _FEW, 1, "cpu µs ≤ at 8"),),
    ),
    Row(
        "hits, 100 half-sent, every load asleep",
        {OURS: Line(OURS, disturbed=stalls_and_locks), _UNDISTURBED: Line(OURS)},
        (figures.no_more("p99_ms", _UNDISTURBED, 2, "p99 ≤ 2x undisturbed"), figures.no_errors()),
    ),
    Row(
        "hits, beside a storm of misses of styles",
        {OURS: Line(OURS, disturbed=storm_of_misses), _UNDISTURBED: Line(OURS)},
        (figures.no_more("p99_ms", _UNDISTURBED, 2, "p99 ≤ 2x undisturbed"), figures.no_errors()),
    ),
    Row(
        "hits, beside as many additions to carts",
        {OURS: Line(OURS, 32, disturbed=additions), _UNDISTURBED: Line(OURS)},
        (figures.no_more("p99_ms", _UNDISTURBED, 2, "p99 ≤ 2x undisturbed"), figures.no_errors()),
    ),
    Row(
        "hits, Redis pauses 50 ms every second",
        {OURS: Line(OURS, disturbed=redis_pauses), EXPRESS: Line(EXPRESS, disturbed=redis_pauses)},
        (figures.no_errors(), figures.p99_within(70)),
    ),
    Row("styles, Redis warm", _of(OURS, EXPRESS, FASTAPI), (figures.faster(EXPRESS, 6),), kind=Kind.STYLES),
    Row(
        "styles, Redis warm, gzip accepted",
        {OURS: Line(OURS, encodings=_BROWSER), _PLAIN: Line(OURS)},
        (figures.faster(_PLAIN, 1.2),),
        kind=Kind.STYLES,
    ),
    *(
        Row(
            f"page, Redis warm, {name}",
            {
                OURS: Line(OURS, encodings=encodings, asks_for=PAGE),
                _PRODUCT: Line(OURS, encodings=encodings),
                _CALLS: Line(OURS, encodings=encodings, asks_for=CALLS),
            },
            (figures.no_errors(), figures.faster(_PRODUCT, 0.5), figures.faster(_CALLS, 4)),
            pages=True,
        )
        for name, encodings in (("gzip accepted", _BROWSER), ("without gzip", ""))
    ),
    Row("product, Redis empty", _of(OURS, EXPRESS, FASTAPI), (figures.faster(EXPRESS, 5),), cold=True),
    Row("styles, Redis empty", _of(OURS, EXPRESS), (figures.faster(EXPRESS, 4),), kind=Kind.STYLES, cold=True),
    *(
        _additions(work, carts, connections, times if connections == 64 else 3)
        for connections in (64, 256)
        for work, carts, times in (("three hot carts", 3, 3), ("100,000 carts", 100_000, 2), ("every caller new", 0, 2))
    ),
)
"""Each server is one process, and all of them share a core."""

BEHIND_NGINX = (
    Row(
        "product, through nginx, both cores",
        _of(OURS, EXPRESS, BARE, MICRO_CACHED),
        (figures.faster(EXPRESS, 5), figures.faster(BARE, 0.93), figures.no_errors(), figures.p99_within(10)),
    ),
    Row("product, Zipf's ids, through nginx, both cores", _of(OURS, MICRO_CACHED), (figures.no_errors(),), drawn=_zipf),
    *(
        Row(
            f"one hot product through nginx, {connections} connections",
            _of(OURS, MICRO_CACHED, connections=connections),
            (figures.no_errors(), figures.p99_within(10)),
            drawn=_hot,
        )
        for connections in (8, 64)
    ),
    Row(
        "additions to 1,000 carts, open loop through nginx, 3,500 requests/s",
        _of(OURS),
        (figures.sustained(3_500), figures.no_errors(), figures.p99_within(20)),
        constant_rate=3_500,
        carts=1_000,
    ),
    Row(
        "pages, open loop through nginx, 2,000 pages/s",
        _of(OURS),
        (figures.sustained(2_000), figures.no_errors(), figures.p99_within(10)),
        constant_rate=2_000,
        pages=True,
    ),
    Row(
        "open loop through nginx, 10,000 requests/s",
        _of(OURS),
        (figures.sustained(10_000), figures.no_errors(), figures.p99_within(20)),
        constant_rate=10_000,
    ),
)
"""A process a core of each server, with nginx and whoever asks beside them."""
