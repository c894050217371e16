"""pgbouncer in front of a Postgres, handing out one of its connections for each transaction."""

import shutil
from pathlib import Path

from psycopg2.extensions import parse_dsn

from deploy.local import probes
from deploy.local.processes import Child, StackError, server_user


class PgBouncer(Child):
    """One with ``size`` connections to each database of the Postgres at the URL ``direct``; ``root`` has its files."""

    def __init__(self, root: Path, port: int, direct: str, size: int) -> None:
        program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
        if program is None:
            raise StackError("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
        self.address, self._direct = f"127.0.0.1:{port}", direct
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": port,
            "unix_socket_dir": "",
            "auth_type": "any",
            "pool_mode": "transaction",
            "default_pool_size": size,
        }
        server = "* = host={host} port={port} user={user} password={password}".format(**parse_dsn(direct))
        lines = ["[databases]", server, "[pgbouncer]", *(f"{name} = {value}" for name, value in settings.items())]
        configuration = root / "pgbouncer.ini"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        super().__init__(
            "pgbouncer", [program, configuration], root / "pgbouncer.log", directory=root, user=server_user()
        )

    def url(self, direct: str) -> str:
        """The URL through it of the database that has the URL ``direct``."""
        return f"postgresql://anyone@{self.address}/{direct.rpartition('/')[2]}"

    def probe(self) -> None:
        probes.postgres(self.url(self._direct))
