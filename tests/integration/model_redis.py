"""A real Redis by the clock of a test: its data set ages, is saved, and comes back in another server."""

import time

from service.cache.redis_store import RedisStore
from service.coroutines import block_on


class HeldStore(RedisStore):
    """A store whose deadlines are of a test's ``clock``. While it ``holds``, entries are kept on their way."""

    def __init__(self, url, clock):
        super().__init__(url, 5.0, with_position=True)
        self._clock = clock
        self.holds, self.held = False, []

    async def get(self, names):
        asked_at = self._clock()
        found = await super().get(names)
        self.position = self.position and self.position._replace(asked_at=asked_at)
        return found

    async def put(self, epoch, entries, incarnation=None, not_after=None):
        if self.holds:
            self.held.append((epoch, entries, incarnation, not_after))
            return 0
        real = None if not_after is None else time.monotonic() + not_after - self._clock()
        return await super().put(epoch, entries, incarnation, real)

    def let_go(self):
        """What is held arrives."""
        while self.held:
            block_on(self.put(*self.held.pop()))


class DataSet:
    """The data set of the Redis that ``client`` is connected to. ``clock`` gives the seconds of a test."""

    def __init__(self, client, clock):
        self._client, self._clock = client, clock
        self._saved, self._saved_at = [], clock()

    def age(self, seconds):
        """What is kept comes nearer to its end."""
        names, times = self._times()
        with self._client.pipeline(transaction=False) as pipeline:
            for name, left in zip(names, times, strict=True):
                if left > 0:
                    pipeline.pexpire(name, max(0, left - seconds * 1000))
            pipeline.execute()

    def save(self):
        """As to an RDB file, or to a replica that follows from now on no more."""
        names, times = self._times()
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
        self._client.client_kill_filter(_type="normal", skipme=True)

    def _times(self):
        names = sorted(self._client.keys("*"))
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.pttl(name)
            return names, pipeline.execute()
