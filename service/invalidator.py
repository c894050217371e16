"""Invalidates what changes in the catalogue: ``python -m service.invalidator`` runs until it is stopped.

NOTIFY wakes it; a poll every second is the fallback, and also checks that notifications arrive. While a store is down,
invalidations are pending in the outbox.
"""

from __future__ import annotations

import logging
import threading

from service.cache.keys import SILENT_LISTENERS
from service.cache.redis import Redis, open_redis
from service.catalogue.database import NOTIFY
from service.catalogue.outbox import Outbox
from service.coroutines import block_on
from service.postgres import Call, Listener, Postgres
from service.process import Said, repeat, run_until_stopped
from service.settings import Settings

_LOG = logging.getLogger("service.invalidator")  # it runs as __main__

_LOOK_EVERY_SECONDS = 1.0
_NOTIFY_SECONDS = 0.25  # within which its own notification must arrive
_PAUSE_AFTER_FAILURE_SECONDS = 0.5
# It does not wait for a synchronous standby: what it has written may be lost with the primary, and is then done again.
_SESSION = {"synchronous_commit": "local"}


def run(settings: Settings, stop: threading.Event) -> None:
    """Drain the outbox whenever it has rows, until ``stop`` is set."""
    url, seconds, is_pooled = settings.database_url, settings.postgres_timeout_seconds, settings.postgres_pooler
    postgres = Postgres(url, 1, seconds, name="overview invalidator", is_pooled=is_pooled, settings=_SESSION)
    redis = open_redis(settings.redis_url, settings.redis_timeout_seconds)
    listener = Listener(url, "catalogue", seconds)
    outbox = Outbox(postgres, redis)

    def invalidate() -> None:
        notified = listener.wait(_LOOK_EVERY_SECONDS)
        outbox.drain()
        if not notified:
            _check(listener, postgres, redis)

    repeat(
        invalidate,
        stop,
        _LOG,
        Said("invalidations are pending", "invalidations reach the cache again"),
        pause_seconds=0,
        pause_after_failure_seconds=_PAUSE_AFTER_FAILURE_SECONDS,
    )
    listener.close()
    redis.close()
    postgres.close()


def _check(listener: Listener, postgres: Postgres, redis: Redis) -> None:
    """Reconnect if its own notification does not arrive: a connection may be lost without an error."""
    block_on(postgres.run(Call(NOTIFY)))
    if not listener.wait(_NOTIFY_SECONDS):
        _LOG.warning("notifications do not arrive: listening on a new connection")
        listener.close()
        block_on(redis.count(SILENT_LISTENERS))


if __name__ == "__main__":
    run_until_stopped(run)
