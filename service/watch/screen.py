"""The state as a screen of a terminal, of whatever size it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from service.metrics.series import KINDS
from service.watch import shown
from service.watch.client import Json

_WINDOWS = ("now", "1m", "5m", "1h", "24h")
_FIXED_LINES = 15 + len(KINDS)  # all but those of instances and events
_FEWEST_INSTANCES = 2


class _Sparkline:
    """As wide as its column."""

    def __init__(self, shares: Sequence[float | None]) -> None:
        self._shares = shares

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(shown.sparkline(self._shares, options.max_width))


def screen(state: Json, points: Json, height: int) -> Group:
    """Everything at one glance; ``points`` are of the last five minutes, events fill what is left of the height."""
    instances = sorted(state["instances"], key=lambda instance: instance["state"] == "up")  # the silent ones first
    room = max(_FEWEST_INSTANCES, min(len(instances), height - _FIXED_LINES - 3))
    left = max(1, height - _FIXED_LINES - min(room, len(instances)))
    return Group(
        _line(f"Product Overview at {shown.clock(state['time'])}", "bold"),
        Text(state["sentence"]),
        _kinds(state, points),
        _tiers(state),
        _instances(instances[:room], len(instances) - room),
        _line(_invalidations(state["postgres"])),
        _line(_redis(state["redis"])),
        _line("hottest  " + _listed(state["hottest"])),
        _line("missed   " + _listed(state["missed"])),
        *(_line(_event(event)) for event in reversed(state["events"][-left:])),
    )


def _line(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _table(*headers: str) -> Table:
    """The first column is a name, the others are numbers."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, header in enumerate(headers):
        table.add_column(header, justify="right" if place else "left", no_wrap=True)
    return table


def _kinds(state: Json, points: Json) -> Table:
    table = _table("from Redis", *_WINDOWS, "per s")
    table.expand = True
    table.add_column("5 minutes, 0 to 100%", no_wrap=True, ratio=1)
    for kind in (*KINDS, "all"):
        windows = state["kinds"][kind]
        rates = (shown.share(windows[window]["rate"]) for window in _WINDOWS)
        line = _Sparkline(points["charts"]["rate"]["series"][kind])
        table.add_row(kind, *rates, shown.per_second(windows["1m"]["per_second"]), line)
    return table


def _tiers(state: Json) -> Table:
    table = _table("tier", "asked/s", "answered/s", "share", "p50", "p99")
    for tier in state["tiers"]:
        counts = (shown.per_second(tier["asked_per_second"]), shown.per_second(tier["answered_per_second"]))
        times = (shown.duration(tier["p50"]), shown.duration(tier["p99"]))
        table.add_row(tier["name"], *counts, shown.share(tier["share"]), *times)
    return table


def _instances(some: Iterable[Json], more: int) -> Table:
    table = _table(
        "instance" + (f" ({more} more)" if more > 0 else ""), "", "req/s", "from Redis", "errors/s", "breaker"
    )
    for instance in some:
        is_up = instance["state"] == "up"
        numbers = (shown.per_second(instance["per_second"]), shown.share(instance["rate"]))
        errors = shown.per_second(instance["errors_per_second"])
        breaker = "open" if instance["breaker_open"] else "closed"
        row = (_last_part(instance["address"]), instance["state"], *numbers, errors, breaker if is_up else shown.DASH)
        table.add_row(*row, style="" if is_up else "red")
    return table


def _last_part(address: str) -> str:
    return address.rpartition("/")[2]


def _invalidations(postgres: Json) -> str:
    if postgres["state"] != "up":
        return "Postgres is down; misses are refused"
    rate = shown.per_second(postgres["invalidations_per_second"])
    return f"lag {shown.duration(postgres['oldest_seconds'])}, {postgres['outbox_rows']} pending, {rate}/s invalidated"


def _redis(redis: Json) -> str:
    if redis["state"] == "down":
        return "Redis is down; reads go to Postgres"
    limit = f" of {shown.size(redis['max_bytes'])}" if redis["max_bytes"] else ""
    evicted = shown.per_second(redis["evictions_per_second"])
    own = shown.share(redis["hit_rate"])
    silent = "".join(f", {server['address']} is silent" for server in redis["servers"] if server["state"] != "up")
    return (
        f"Redis {shown.size(redis['used_bytes'])}{limit}, {redis['keys']:,} keys, {evicted}/s evicted, own rate {own}"
        + silent
    )


def _listed(documents: Iterable[Json]) -> str:
    shares = (f"{each['kind']} {each['id']}: {shown.per_second(each['per_second'])}/s" for each in documents)
    return ", ".join(shares) or shown.DASH


def _event(event: Json) -> str:
    return f"{shown.clock(event['time'])}  {event['kind']}: {event['text']}"
