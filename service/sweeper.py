"""Deletes carts that nobody changed for CART_DAYS, and old idempotency keys: ``python -m service.sweeper``.

It looks about once a minute until it is stopped, and deletes in small transactions with pauses between them, beside the
traffic. Several can run at once. A key counts for 24 hours, whether it has been deleted by then or not.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
from pathlib import Path

from service import logs
from service.coroutines import block_on
from service.errors import Unavailable
from service.postgres import Call, Postgres, Statement
from service.settings import Settings

_LOG = logging.getLogger("service.sweeper")  # it runs as __main__

_SQL = Path(__file__).parent / "cart" / "sql"
SWEEP_CARTS, SWEEP_KEYS = (Statement.load(_SQL / f"{name}.sql") for name in ("sweep_carts", "sweep_keys"))

MOST_AT_ONCE = 500
"""Carts or keys of one transaction: it takes some milliseconds, a third of a second where each cart has 100 lines."""

# New rows take the place of deleted ones, so that a BRIN index narrows down less and less: a look may come to read the
# whole table, 0.2 s for a million keys. Nobody waits for it.
_DEADLINE_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 60.0
_PAUSE_SECONDS = 0.05
_PAUSE_AFTER_FAILURE_SECONDS = 1.0


def run(settings: Settings, stop: threading.Event) -> None:
    """Delete what is old, until ``stop`` is set."""
    postgres = Postgres(settings.database_url, 1, _DEADLINE_SECONDS, name="overview sweeper")
    healthy = True
    while not stop.is_set():
        pause = _LOOK_EVERY_SECONDS
        try:
            sweep(postgres, settings.cart_days, stop)
        except Unavailable as error:
            if healthy:
                _LOG.warning("old carts and keys are kept", extra={"cause": type(error).__name__})
            healthy, pause = False, _PAUSE_AFTER_FAILURE_SECONDS
        else:
            if not healthy:
                _LOG.warning("old carts and keys are deleted again")
            healthy = True
        stop.wait(pause * random.uniform(0.75, 1.25))  # noqa: S311
    postgres.close()


def sweep(postgres: Postgres, cart_days: int, stop: threading.Event) -> None:
    """Delete all carts and keys that are old, or as many as it can before ``stop``. Raises PostgresUnavailable."""
    _sweep(postgres, Call(SWEEP_CARTS, (cart_days, MOST_AT_ONCE)), stop)
    _sweep(postgres, Call(SWEEP_KEYS, (MOST_AT_ONCE,)), stop)


def _sweep(postgres: Postgres, call: Call, stop: threading.Event) -> None:
    swept, count = 0, MOST_AT_ONCE
    while count == MOST_AT_ONCE and not stop.is_set():
        ((count,),) = block_on(postgres.run(call))
        swept += count
        stop.wait(_PAUSE_SECONDS)
    if swept:
        _LOG.info("swept", extra={"statement": call.statement.name, "rows": swept})


def main() -> None:
    """Run with the settings of the environment until SIGTERM or SIGINT."""
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(settings, stop)


if __name__ == "__main__":
    main()
