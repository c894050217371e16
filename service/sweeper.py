"""Deletes carts that nobody changed for CART_DAYS, and old idempotency keys: ``python -m service.sweeper``.

It looks about once a minute until it is stopped, and deletes in small transactions with pauses between them, during
traffic. Several can run at once. A key counts for 24 hours, whether it has been deleted by then or not.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from service.coroutines import block_on
from service.postgres import Call, Postgres, Statement
from service.process import Said, repeat, run_until_stopped
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
    url, is_pooled = settings.database_url, settings.postgres_pooler
    postgres = Postgres(url, 1, _DEADLINE_SECONDS, name="overview sweeper", is_pooled=is_pooled)
    repeat(
        lambda: sweep(postgres, settings.cart_days, stop),
        stop,
        _LOG,
        Said("old carts and keys are kept", "old carts and keys are deleted again"),
        pause_seconds=_LOOK_EVERY_SECONDS,
        pause_after_failure_seconds=_PAUSE_AFTER_FAILURE_SECONDS,
    )
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


if __name__ == "__main__":
    run_until_stopped(run)
