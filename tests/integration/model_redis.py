"""A real Redis by the clock of a test: its data set ages, is saved, and comes back in another server."""

import time
from contextlib import contextmanager

from deploy.local import probes
from service.cache.aside import CacheAside
from service.cache.keys import EPOCH
from service.cache.redis_store import RedisStore
from service.coroutines import block_on
from service.errors import RedisUnavailable

TIMEOUT_SECONDS = 5.0


class Held:
    """A store whose deadlines are of a test's ``clock``. While it ``holds``, entries are kept on their way."""

    clock = None
    holds = False

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, with_position=True, **options)
        self.held = []

    async def get(self, names):
        asked_at = self.clock()
        found = await super().get(names)
        self.position = self.position and self.position._replace(asked_at=asked_at)
        return found

    async def put(self, epoch, entries, incarnation=None, not_after=None):
        if self.holds:
            self.held.append((epoch, entries, incarnation, not_after))
            return 0
        real = None if not_after is None else time.monotonic() + not_after - self.clock()
        return await super().put(epoch, entries, incarnation, real)

    def let_go(self):
        """What is held arrives."""
        while self.held:
            block_on(self.put(*self.held.pop()))


class HeldStore(Held, RedisStore):
    """That of a plain Redis."""


class Instance:
    """A ``cache`` over a plain Redis, and the ``redis`` through which it is told what has changed."""

    def __init__(self, url, clock, lifetimes, pending):
        self.redis = HeldStore(url, TIMEOUT_SECONDS)
        self.redis.clock = clock
        self.cache = CacheAside(self.redis, lifetimes, clock, clock, pending)

    @contextmanager
    def holding(self):
        """Fills of the block are held up on their way."""
        self.redis.holds = True
        yield
        self.redis.holds = False

    def let_go(self):
        """What was held up arrives, and who finds that it cannot opens the circuit breaker."""
        try:
            self.redis.let_go()
        except RedisUnavailable:
            self.cache.catch_up.failed()


def age(client, seconds, *, asking=False):
    """What a server keeps comes nearer to its end; ``asking`` also in slots that are on their way to it."""
    names, times = times_of(client, asking=asking)
    kept = [(name, left) for name, left in zip(names, times, strict=True) if left > 0]
    commands = [("PEXPIRE", name, max(0, left - int(seconds * 1000))) for name, left in kept]
    _replies(client, commands, asking=asking)


def times_of(client, *, asking=False):
    """The names that a server keeps, and the milliseconds that are left of each."""
    names = sorted(client.keys("*"))
    return names, _replies(client, [("PTTL", name) for name in names], asking=asking)


def _replies(client, commands, *, asking):
    with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            if asking:
                pipeline.execute_command("ASKING")
            pipeline.execute_command(*command)
        return pipeline.execute()[asking :: 1 + asking]


def close_connections(client):
    """Those of others to its server."""
    client.client_kill_filter(_type="normal", skipme=True)


class DataSet:
    """The data set of the Redis at ``url``, empty. ``clock`` gives the seconds of a test."""

    def __init__(self, url, clock):
        self._url, self._client, self._clock = url, probes.client(url), clock
        self._client.flushall()
        self._saved, self._saved_at = [], clock()

    def open(self, lifetimes, pending):
        """An instance of the service over it."""
        return Instance(self._url, self._clock, lifetimes, pending)

    def age(self, seconds):
        """What is kept comes nearer to its end."""
        age(self._client, seconds)

    def lose_all(self):
        """As a server does that is restarted, whose connections live on behind a proxy."""
        self._client.flushall()
        self._client.script_flush()

    def lose_epoch(self):
        """Nothing else."""
        self._client.delete(EPOCH)

    def save(self):
        """As to an RDB file, or to a replica that follows from now on no more."""
        names, times = times_of(self._client)
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.dump(name)
            self._saved = list(zip(names, pipeline.execute(), times, strict=True))
        self._saved_at = self._clock()

    def come_back(self):
        """What was saved is all there is, in a server with another identity; every connection is closed.

        That is a restart, or the promotion of a replica: the replication id is really another one. Instants of expiry
        are in the data set, so that time has passed for it too.
        """
        passed = int(self._clock() - self._saved_at) * 1000
        self._client.flushall()
        with self._client.pipeline(transaction=False) as pipeline:
            for name, dumped, left in self._saved:
                if left < 0 or left > passed:
                    pipeline.restore(name, max(0, left - passed), dumped)
            pipeline.execute_command("REPLICAOF", "127.0.0.1", 1)
            pipeline.execute_command("REPLICAOF", "NO", "ONE")
            pipeline.script_flush()
            pipeline.execute()
        self.close_connections()

    def close_connections(self):
        close_connections(self._client)

    def close(self):
        """Close its own connection."""
        self._client.close()
