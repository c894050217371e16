"""Postgres with streaming replication: a server that follows another one, until it is promoted."""

import os
from pathlib import Path

from psycopg2.extensions import make_dsn, parse_dsn

from deploy.local import probes
from deploy.local.hosts import LOCAL, Host
from deploy.local.servers import NONE, Options, Postgres


class Standby(Postgres):
    """A copy of the server at ``upstream``, which it follows under its ``name``; without one, the first primary.

    It is made when it is started without data, and is not durable. Servers that follow one another have one password,
    that of ``password_file``.
    """

    def __init__(
        self,
        root: Path,
        port: int,
        log: Path,
        *,
        name: str,
        password_file: Path,
        upstream: str | None = None,
        connections: int = 100,
        host: Host = LOCAL,
        options: Options = NONE,
    ) -> None:
        named = {"cluster_name": name, **options}
        super().__init__(root, port, log, durable=False, connections=connections, name=name, host=host, options=named)
        self.password_file, self.upstream = password_file, upstream

    def promote(self) -> None:
        """Make it the primary, and wait until it is one. The old one must not be running, or not be reachable."""
        with probes.query(self.url) as cursor:
            cursor.execute("SELECT pg_promote()")

    def _fill(self, making: Path) -> None:
        if self.upstream is None:
            super()._fill(making)
            return
        upstream = parse_dsn(self.upstream)
        environ = {**os.environ, "PGPASSWORD": upstream.pop("password")}
        command = ["pg_basebackup", "-D", making, "-d", make_dsn(**upstream), "--write-recovery-conf", "--no-sync"]
        self._command(making, [*command, "--checkpoint=fast"], environ)
