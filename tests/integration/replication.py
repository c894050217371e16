"""A primary and a standby of it, with a catalogue."""

from deploy.local import probes
from deploy.local.servers import Postgres
from deploy.local.standby import Standby
from migrations import runner
from tests.chaos.waits import wait_until


class Pair:
    """A primary with three products, and a standby that follows it."""

    def __init__(self, root, port, synchronous_commit="off"):
        for name in ("primary", "standby"):
            (root / name).mkdir(mode=0o755)
        self.primary = Postgres(root / "primary", port("primary"), root / "primary.log", durable=False)
        self.primary.command += ["-c", f"synchronous_commit={synchronous_commit}"]
        self.primary.start()
        runner.migrate(self.primary.url)
        self.sql("INSERT INTO products SELECT n, 'Product ' || n, '', '', '', 5 FROM generate_series(1, 3) AS n")
        self.standby = Standby(root / "standby", port("standby"), root / "standby.log", self.primary)
        self.standby.start()

    def sql(self, statement, values=None, server=None):
        with probes.query((server or self.primary).url) as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def configure(self, server, **settings):
        """Change settings of a server while it runs."""
        for name, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {name} = '{value}'", server=server)
        self.sql("SELECT pg_reload_conf()", server=server)

    def rename(self, name):
        self.sql("UPDATE products SET name = %s WHERE id = 1", (name,))

    def caught_up(self):
        """Wait until the standby has replayed what is committed now."""
        ((written,),) = self.sql("SELECT pg_current_wal_insert_lsn()")
        wait_until(lambda: self.sql("SELECT pg_last_wal_replay_lsn() >= %s", (written,), self.standby) == [(True,)])

    def stop(self):
        for server in (self.standby, self.primary):
            server.resume()
            server.stop()
