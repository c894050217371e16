"""What the watch process serves: JSON, CSV, Prometheus' text, and the page with its files."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import Blueprint, Response, current_app

from service.catalogue import Key, Kind
from service.errors import Malformed, NotFound
from service.watch import exposition, points
from service.watch.charts import CHARTS
from service.watch.collector import Collector
from service.watch.entry import entry
from service.watch.parameters import one_of, whole
from service.watch.responses import file, json_of, text_of
from service.watch.snapshot import snapshot
from service.watch.windows import WINDOWS

EXTENSION = "watch"

pages = Blueprint("pages", __name__)

_STATIC = Path(__file__).parent / "static"
_LARGEST_ID = 2**31 - 1
_LAST_TIME = 2**40


def collector() -> Collector:
    """What has all that is known."""
    return cast(Collector, current_app.extensions[EXTENSION])


@pages.get("/livez")
def live() -> Response:
    """Liveness: the process responds."""
    return json_of({"status": "ok"})


@pages.get("/dashboard")
def dashboard() -> Response:
    """The page."""
    return file(_STATIC, "dashboard.html")


@pages.get("/dashboard/static/<path:name>")
def static_file(name: str) -> Response:
    """A file of the page."""
    return file(_STATIC, name)


@pages.get("/dashboard.json")
def state() -> Response:
    """The state of everything."""
    window = one_of("window", WINDOWS, "1m")
    collector().look()
    return json_of(snapshot(collector(), window))


@pages.get("/dashboard/points.json")
def all_points() -> Response:
    """The charts' values."""
    with_charts = one_of("meta", ("0", "1"), "0") == "1"
    collector().look()
    return json_of(points.points(collector(), _period(), with_charts=with_charts))


@pages.get("/dashboard/points.csv")
def points_as_csv() -> Response:
    """One chart's values."""
    chart_id = one_of("chart", CHARTS)
    collector().look()
    text = points.table(collector(), chart_id, _period())
    return text_of(text, "text/csv; charset=utf-8", f"{chart_id}.csv")


@pages.get("/dashboard/entry.json")
def one_entry() -> Response:
    """What the stores have of one document."""
    kind, product_id = one_of("kind", list(Kind)), whole("id", 1, _LARGEST_ID)
    if product_id is None:
        raise Malformed("The query is malformed.", {"id": ["Missing."]})
    return json_of(entry(collector(), Key(Kind(kind), product_id)))


@pages.get("/metrics")
def metrics() -> Response:
    """The sums over all instances, for Prometheus."""
    return text_of(exposition.metrics(collector()), exposition.CONTENT_TYPE)


@pages.get("/metrics/redis")
def metrics_of_redis() -> Response:
    """What Redis says of itself, for Prometheus."""
    return text_of(exposition.metrics_of_redis(collector()), exposition.CONTENT_TYPE)


@pages.get("/favicon.ico")
def icon() -> Response:
    """There is none; browsers ask."""
    raise NotFound


def _period() -> points.Period:
    now = collector().time
    first, last = whole("from", 0, _LAST_TIME), whole("to", 0, _LAST_TIME)
    if (first is None) != (last is None) or (first is not None and last is not None and first > last):
        raise Malformed("The query is malformed.", {"from": ["Must come with a later 'to'."]})
    window = one_of("window", tuple(WINDOWS), "1h")
    period = points.of_window(window, now) if first is None or last is None else points.between(first, last, now)
    later = whole("since", 0, _LAST_TIME)
    return period if later is None else points.since(period, later)
