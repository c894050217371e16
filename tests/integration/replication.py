"""A primary and standbys of it, with a catalogue."""

from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import redis

from deploy.local import probes
from deploy.local.servers import Postgres
from deploy.local.standby import Standby
from migrations import runner
from service.catalogue import Key, Kind
from service.coroutines import block_on
from service.errors import PostgresUnavailable
from tests.chaos.waits import wait_until

ONE, TWO = Key(Kind.CARD, 1), Key(Kind.CARD, 2)


class Pair:
    """A primary with three products, and a standby that follows it; ``follow`` adds others."""

    def __init__(self, root, port, synchronous_commit="off"):
        self._root, self._port, self._standbys = root, port, []
        # Without full pages a standby cannot be copied.
        self._options = {"synchronous_commit": synchronous_commit, "full_page_writes": "on"}
        place = self._folder("primary"), port("primary"), root / "primary.log"
        self.primary = Postgres(*place, durable=False, options=self._options)
        self.primary.start()
        runner.migrate(self.primary.url)
        self.sql("INSERT INTO products SELECT n, 'Product ' || n, '', '', '', 5 FROM generate_series(1, 3) AS n")
        self.standby = self.follow(self.primary, "standby")

    def follow(self, upstream, name):
        """Start a standby of a server, which may be a standby itself."""
        of = {"name": name, "password_file": upstream.password_file, "upstream": upstream.url}
        place = self._folder(name), self._port(name), self._root / f"{name}.log"
        standby = Standby(*place, options=self._options, **of)
        standby.start()
        self._standbys.append(standby)
        return standby

    def sql(self, statement, values=None, server=None):
        with probes.query((server or self.primary).url) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def configure(self, server, **settings):
        """Change settings of a server while it runs."""
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'", server=server)
        self.sql("SELECT pg_reload_conf()", server=server)

    def rename(self, name, server=None):
        self.sql("UPDATE products SET name = %s WHERE id = 1", (name,), server)

    def caught_up(self, standby=None, primary=None):
        """Wait until a standby has replayed what is committed now."""
        ((written,),) = self.sql("SELECT pg_current_wal_insert_lsn()", server=primary)
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s"
        wait_until(lambda: self.sql(replayed, (written,), standby or self.standby) == [(True,)])

    def stop(self):
        for server in (*reversed(self._standbys), self.primary):
            server.resume()
            server.stop()

    def _folder(self, name):
        (self._root / name).mkdir(mode=0o755)
        return self._root / name


@contextmanager
def started(kind, server_root, free_port):
    """Such a primary with its standbys, of this ``kind`` of Pair, in a folder of their own."""
    root = Path(mkdtemp(prefix="replication-", dir=server_root))
    root.chmod(0o755)
    pair = kind(root, lambda name: free_port(f"{root.name} {name}"))
    yield pair
    pair.stop()


def body(parts, key=ONE):
    """What it answers for the key."""
    return block_on(parts.catalogue.documents([key]))[key].body


def forget(redis_url, *keys):
    with redis.Redis.from_url(redis_url) as client:
        client.delete(*(f"overview:{kind}:{number}" for kind, number in keys or (ONE, TWO)))


def primary_down(parts):
    """Whatever it reads from the primary fails from now on."""

    async def unavailable(*_):
        raise PostgresUnavailable

    parts.postgres.run = parts.fast_postgres.run = unavailable
