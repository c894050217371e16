"""Collects from everything: every second while somebody looks, else every ten; one pull serves all who look."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from service.cache.redis import open_redis
from service.catalogue.database import DatabaseCatalogue
from service.errors import Unavailable
from service.postgres import Postgres, each_server
from service.settings import Settings
from service.watch.events import Known, Seen, changes, deployments, last_deployed
from service.watch.fleet import Fleet
from service.watch.history import SECONDS, History
from service.watch.nginx_log import NginxLog
from service.watch.series import LAG_NANOSECONDS, REDIS_LIMIT, REDIS_USED
from service.watch.storage import DEADLINE_SECONDS, Storage
from service.watch.stores import postgres_counts, postgres_state, redis_state, replica_states

_LOG = logging.getLogger(__name__)

_LOOKED_AT_SECONDS = 10.0
_IDLE_PAUSE_SECONDS = 10.0
_AFTER_THE_SECOND = 0.2  # instances have written their row of it by then
_FRESH_SECONDS, _WAIT_SECONDS = 1.5, 0.6
_POSTGRES_SECONDS = 0.3
_FARTHEST_BEHIND_SECONDS = 5  # how long the page waits for an instance that responds and has no rows


class Collector:
    """All that is known: ``history``, ``fleet``, ``seen`` by the last look, and the events of ``storage``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.history = History()
        self.fleet = Fleet(settings.addresses())
        self.log = NginxLog(settings.nginx_access_log)
        self.redis = open_redis(settings.redis_url, settings.redis_timeout_seconds)
        self._postgres = _pool(settings, 2, _POSTGRES_SECONDS)
        self.database = DatabaseCatalogue(self._postgres)
        self._replicas = _replicas(settings)
        self.storage = Storage(_pool(settings, 1, DEADLINE_SECONDS), self.history)
        self.watching_since = int(time.time())
        self.seen = Seen(self.watching_since, self.fleet.states, None, None, self.log.state)
        self.pulls = 0
        self._known = Known()
        self._counted: dict[tuple[str, str], tuple[str, int]] = {}
        self._looked_at = -_LOOKED_AT_SECONDS
        self._condition = threading.Condition()
        self._stopped = threading.Event()
        self._pulled_at = 0.0
        self._threads = ThreadPoolExecutor(3 + len(self._replicas), "collector")
        self._thread = threading.Thread(target=self._collect, name="collecting", daemon=True)

    def start(self) -> None:
        """Collect and store, in threads of its own, until it is closed."""
        self._thread.start()

    def close(self) -> None:
        """End its threads and close its connections."""
        self._stopped.set()
        with self._condition:
            self._condition.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        self._threads.shutdown()
        self.fleet.close()
        self.log.close()
        self.redis.close()
        for each in (self._postgres, *self._replicas.values()):
            each.close()
        self.storage.close()

    def look(self) -> None:
        """Note that somebody looks, and wait a moment for news if the last ones are old."""
        with self._condition:
            self._looked_at = time.monotonic()
            if self._thread.is_alive() and time.monotonic() - self._pulled_at > _FRESH_SECONDS:
                pulls = self.pulls
                self._condition.notify_all()
                self._condition.wait_for(lambda: self.pulls > pulls or self._stopped.is_set(), _WAIT_SECONDS)

    @property
    def time(self) -> int:
        """The last second that all instances which respond have reported."""
        last = [state.last_second for state in self.fleet.states.values() if state.is_up and state.last_second]
        return max(min([*last, self.seen.time - 1]), self.seen.time - _FARTHEST_BEHIND_SECONDS)

    def pull(self) -> None:
        """Ask everything at once and note what has come."""
        now = int(time.time())
        redis = self._threads.submit(redis_state, self.redis)
        postgres = self._threads.submit(postgres_state, self.database)
        replicas = {address: self._threads.submit(replica_states, each) for address, each in self._replicas.items()}
        lines = self._threads.submit(self.log.look)
        reports = self.fleet.ask(lambda instance: self.history.last_second(instance) or now - SECONDS)
        counted = lines.result()
        seen = Seen(
            now,
            self.fleet.states,
            redis.result(),
            postgres.result(),
            self.log.state,
            {address: state for address, states in replicas.items() for state in states.result()},
        )
        with self.history.lock:
            for instance, report in reports.items():
                self.history.add(instance, report, now)
            self._note(seen, counted)
        self.storage.happened(changes(self.seen, self._known, seen) if self.pulls else deployments(self._known, seen))
        self._known = self._known.after(seen)
        self.seen = seen
        self.pulls += 1

    def _note(self, seen: Seen, counted: Mapping[str, int]) -> None:
        """Spread what was counted since the last look, at most over ten seconds."""
        until = seen.time - 1
        since = min(max(self.seen.time, seen.time - int(_IDLE_PAUSE_SECONDS)) - 1, until - 1)
        counts, gauges = Counter(counted), {}
        if seen.redis is not None:
            for name, server in seen.redis.answering.items():
                counts.update(self._since_last(name, server.run_id, server.counts()))
            gauges[REDIS_USED], gauges[REDIS_LIMIT] = seen.redis.sum("used_memory"), seen.redis.sum("maxmemory")
        if seen.postgres is not None:
            counts.update(self._since_last("Postgres", "", postgres_counts(seen.postgres)))
            gauges[LAG_NANOSECONDS] = int(seen.postgres.oldest_seconds * 1e9)
        self.history.spread(since, until, counts)
        self.history.observe(since, until, gauges)

    def _since_last(self, part: str, process: str, counters: Mapping[str, int]) -> dict[str, int]:
        """What a part has counted since the last look; nothing by another process, whose counts are not comparable."""
        found = {}
        for series, count in counters.items():
            was, before = self._counted.get((part, series), (process, count))
            self._counted[part, series] = process, count
            found[series] = max(0, count - before) if was == process else 0
        return found

    def _collect(self) -> None:
        with suppress(Unavailable):
            self.storage.load()
            self._known = Known(versions=last_deployed(self.storage.events()))  # perhaps deployed with this process
        threading.Thread(target=self.storage.keep, args=(self._stopped,), name="storing", daemon=True).start()
        while not self._stopped.is_set():
            try:
                self.pull()
            except Exception:
                _LOG.exception("a pull failed")
            with self._condition:
                self._pulled_at = time.monotonic()
                self._condition.notify_all()
                self._condition.wait(self._pause_seconds())

    def _pause_seconds(self) -> float:
        """Until shortly after the next second while somebody looks, or rows are still to come; else longer."""
        if time.monotonic() - self._looked_at > _LOOKED_AT_SECONDS and not self._is_behind():
            return _IDLE_PAUSE_SECONDS
        return 1.0 - (time.time() - _AFTER_THE_SECOND) % 1.0

    def _is_behind(self) -> bool:
        """Whether the last look left something: more to be read, or a part that did not respond for the first time."""
        oldest = self.seen.time - _FARTHEST_BEHIND_SECONDS
        is_late = any(state.is_up and 0 < state.last_second < oldest for state in self.fleet.states.values())
        return is_late or self.log.is_behind or self._known.late != self._known.gone


def _pool(settings: Settings, size: int, seconds: float) -> Postgres:
    url, is_pooled = settings.database_url, settings.postgres_pooler
    return Postgres(url, size, seconds, name="overview watch", is_pooled=is_pooled)


def _replicas(settings: Settings) -> dict[str, Postgres]:
    if not settings.database_read_url:
        return {}
    urls = each_server(settings.database_read_url, "DATABASE_READ_URL")
    return {
        address: Postgres(url, 1, _POSTGRES_SECONDS, name="overview watch", of_replica=None)
        for address, url in urls.items()
    }
