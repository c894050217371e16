"""What invalidator and sweeper have in common: they work until a signal stops them, whatever fails."""

from __future__ import annotations

import logging
import random
import signal
import threading
from collections.abc import Callable
from typing import NamedTuple

from service import logs
from service.errors import Unavailable
from service.settings import Settings


class Said(NamedTuple):
    """What is logged when work begins to fail, and when it succeeds again."""

    failing: str
    recovered: str


def repeat(
    work: Callable[[], object],
    stop: threading.Event,
    log: logging.Logger,
    said: Said,
    *,
    pause_seconds: float,
    pause_after_failure_seconds: float,
) -> None:
    """Call ``work`` again and again until ``stop`` is set; pauses vary by a quarter. It may raise Unavailable."""
    healthy = True
    while not stop.is_set():
        pause = pause_seconds
        try:
            work()
        except Unavailable as error:
            if healthy:
                log.warning(said.failing, extra={"cause": type(error).__name__})
            healthy, pause = False, pause_after_failure_seconds
        else:
            if not healthy:
                log.warning(said.recovered)
            healthy = True
        stop.wait(pause * random.uniform(0.75, 1.25))  # noqa: S311 (spreads load, keeps no secret)


def run_until_stopped(run: Callable[[Settings, threading.Event], None]) -> None:
    """Run with the settings of the environment until SIGTERM or SIGINT."""
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, stop)
