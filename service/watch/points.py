"""The charts' values over time: which steps, and every chart's value in each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from service.watch import snapshot
from service.watch.charts import CHARTS, Chart
from service.watch.collector import Collector
from service.watch.history import MINUTES, SECONDS, History
from service.watch.spans import Span
from service.watch.windows import WINDOWS

MOST_POINTS = 400
_STEPS_OF_SECONDS, _STEPS_OF_MINUTES = (1, 10), (60, 300)


class Period(NamedTuple):
    """Points from ``first`` (inclusive) to ``last`` (exclusive), ``step`` seconds each; all multiples of it."""

    first: int
    last: int
    step: int

    def times(self) -> range:
        """When each point begins."""
        return range(self.first, self.last, self.step)


def of_window(window: str, now: int) -> Period:
    """The whole steps of a window before the second ``now``."""
    return between(now - WINDOWS[window] + 1, now, now)


def between(first: int, last: int, now: int) -> Period:
    """Whole steps from the second ``first`` to ``last``, at most 400, as fine as what is kept of that time allows."""
    last = min(last, now)
    first = max(first, now - MINUTES * 60 + 1)
    steps = (*_STEPS_OF_SECONDS, *_STEPS_OF_MINUTES) if first > now - SECONDS else _STEPS_OF_MINUTES
    step = next((step for step in steps if (last - first + 1) / step <= MOST_POINTS), steps[-1])
    start = -(-first // step) * step
    end = (last + 1) // step * step
    return Period(start, max(start, end), step)


def since(period: Period, time: int) -> Period:
    """The points of a period that begin after ``time``."""
    later = (time // period.step + 1) * period.step
    return period._replace(first=min(max(period.first, later), period.last))


def points(collector: Collector, period: Period, *, with_charts: bool) -> dict[str, Any]:
    """All charts' values; with what each is, if asked."""
    with collector.history.lock:
        spans = _spans(collector.history, period, collector.time)
        charts = {chart_id: {"series": _values(chart, spans)} for chart_id, chart in CHARTS.items()}
    events = [event for event in collector.storage.events() if period.first <= event.time < period.last]
    found: dict[str, Any] = {
        "from": period.first,
        "to": period.last,
        "step": period.step,
        "time": list(period.times()),
        "charts": charts,
        "events": snapshot.events(events),
    }
    if with_charts:
        found["meta"] = [chart.described(chart_id) for chart_id, chart in CHARTS.items()]
    return found


def table(collector: Collector, chart_id: str, period: Period) -> str:
    """One chart's values as CSV."""
    chart = CHARTS[chart_id]
    with collector.history.lock:
        values = _values(chart, _spans(collector.history, period, collector.time))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["time", *values])
    for time, row in zip(period.times(), zip(*values.values(), strict=True), strict=True):
        writer.writerow([datetime.fromtimestamp(time, UTC).isoformat(), *("" if one is None else one for one in row)])
    return text.getvalue()


def _spans(history: History, period: Period, now: int) -> list[Span]:
    if period.step < 60:
        return [history.span(time, time + period.step - 1) for time in period.times()]
    minutes = period.step // 60
    return [history.span_of_minutes(time // 60, time // 60 + minutes - 1, now) for time in period.times()]


def _values(chart: Chart, spans: Iterable[Span]) -> dict[str, list[float | None]]:
    return {shown: [value(span) for span in spans] for shown, value in chart.series.items()}
