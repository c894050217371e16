"""What Redis and Postgres have of one document, for operators."""

from __future__ import annotations

import time
from typing import Any

from service.cache.aside import TOMBSTONE_SECONDS
from service.cache.entry import Entry, State
from service.cache.keys import entry_name
from service.catalogue import Key
from service.coroutines import block_on
from service.errors import Unavailable
from service.watch.collector import Collector

Json = dict[str, Any]

_NOTHING = dict.fromkeys(
    ("age_seconds", "ttl_seconds", "version", "epoch", "fresh_until", "is_fresh", "bytes", "encoding", "etag")
)


def entry(collector: Collector, key: Key) -> Json:
    """The entry of a document. Raises RedisUnavailable.

    One that counts as nothing is ``absent``: of an epoch before, or of data that Redis has lost since.
    """
    name = entry_name(*key)
    epoch, incarnation, (stored,) = block_on(collector.redis.get([name]))
    found = Entry.decode(stored) if stored is not None else None
    about: Json = {"kind": key.kind, "id": key.product_id, "name": name, "state": "absent", **_NOTHING}
    if found is not None and (epoch or 0) <= found.epoch and _is_of(found, incarnation):
        about |= _described(collector, found, block_on(collector.redis.seconds_left(name)))
    return {**about, "in_postgres": _in_postgres(collector, key)}


def _is_of(found: Entry, incarnation: int) -> bool:
    return found.state is State.TOMBSTONE or found.incarnation == incarnation


def _described(collector: Collector, found: Entry, seconds_left: float | None) -> Json:
    settings = collector.settings
    kept_seconds = {
        State.PRESENT: settings.cache_keep_seconds,
        State.MISSING: settings.cache_missing_seconds,
        State.TOMBSTONE: TOMBSTONE_SECONDS,
    }[found.state]
    has_document = found.state is not State.TOMBSTONE
    return {
        "state": found.state.name.lower(),
        "age_seconds": None if seconds_left is None else max(0.0, kept_seconds - seconds_left),
        "ttl_seconds": seconds_left,
        "version": found.version,
        "epoch": found.epoch,
        "fresh_until": found.fresh_until if has_document else None,
        "is_fresh": has_document and found.fresh_until > time.time(),
        "bytes": len(found.body),
        "encoding": "gzip" if found.is_gzipped else "identity",
        "etag": found.etag or None,
    }


def _in_postgres(collector: Collector, key: Key) -> Json:
    try:
        document = block_on(collector.database.documents([key]))[key]
    except Unavailable:
        return {"version": None, "state": "down"}
    return {"version": None if document.body is None else document.version, "state": "up"}
