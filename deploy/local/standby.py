"""A standby of a private Postgres, which follows it by streaming replication."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import probes
from deploy.local.servers import Postgres


class Standby(Postgres):
    """A copy of ``primary``, made at the first start, that follows it under this ``name``.

    It has the primary's password. ``settings`` are further ones of its own, as a server starts with them.
    """

    def __init__(self, root: Path, port: int, log: Path, primary: Postgres, **settings: str) -> None:
        super().__init__(root, port, log, durable=primary.durable, options=settings)
        self.primary, self.name = primary, f"standby_{port}"
        self.password_file = primary.password_file

    def promote(self) -> None:
        """Make a primary of it, and wait until it is one."""
        with probes.query(self.url) as cursor:
            cursor.execute("SELECT pg_promote()")

    def _fill(self, making: Path) -> None:
        url = urlsplit(self.primary.url)
        upstream = f"host={url.hostname} port={url.port} user={url.username} application_name={self.name}"
        command = ["pg_basebackup", "-D", making, "-d", upstream, "-R", "-X", "stream", "-c", "fast"]
        environ = {**os.environ, "PGPASSWORD": str(url.password)}
        self._command(making, [*command, *([] if self.durable else ["--no-sync"])], environ)
