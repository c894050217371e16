"""The windows that figures are of, each up to the last complete second."""

from __future__ import annotations

from service.watch.history import MINUTES, History
from service.watch.spans import Span

NOW, TOTAL = "now", "total"
WINDOWS = {"1m": 60, "5m": 300, "1h": 3600, "24h": 86_400}
"""Seconds of those that can be asked for; NOW is one, TOTAL all since the instances started."""


def span_of(history: History, window: str, time: int) -> Span:
    """A window up to the second ``time``; a day is made of minutes."""
    if window == "24h":
        return history.span_of_minutes(time // 60 - MINUTES + 1, time // 60, time)
    return history.span(time - {**WINDOWS, NOW: 1}[window] + 1, time)
