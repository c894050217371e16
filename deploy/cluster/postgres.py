"""Postgres with streaming replication: a primary and standbys, of which one is promoted by an operator's act."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.local import probes
from deploy.local.files import secret
from deploy.local.hosts import Host
from deploy.local.servers import Postgres

_OPTIONS = {
    "shared_buffers": "64MB",
    "synchronous_commit": "on",
    "wal_keep_size": "512MB",  # for a standby that was away
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "wal_retrieve_retry_interval": "200ms",
}
# A host that is cut off is noticed in seconds, also while a query waits there.
_NOTICED = "connect_timeout=2&keepalives_idle=1&keepalives_interval=1&keepalives_count=3&tcp_user_timeout=3000"


class Node(Postgres):
    """A server that is the first primary, or copies whichever is primary when it is started without data.

    A commit is acknowledged once one of the other ``names`` has it too. All nodes have one password.
    """

    def __init__(
        self, root: Path, port: int, log: Path, *, name: str, host: Host, names: Sequence[str], network: str
    ) -> None:
        others = ", ".join(f'"{each}"' for each in names if each != name)
        options = {**_OPTIONS, "cluster_name": name, "synchronous_standby_names": f"ANY 1 ({others})"}
        super().__init__(root, port, log, durable=False, connections=200, name=name, host=host, options=options)
        self.password_file, self._network = root / "postgres-password", network
        self.copied_from: str | None = None
        """URL of the primary, whatever host it is on; None for the first one."""

    def promote(self) -> None:
        """Make a standby the primary. The old one must not be running, or not be reachable."""
        with probes.query(self.url) as cursor:
            cursor.execute("SELECT pg_promote()")

    def look_for_the_primary(self) -> None:
        """Have a standby connect anew, as it takes seconds to notice a primary that is silent."""
        with probes.query(self.url) as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_wal_receiver")

    def is_primary(self) -> bool:
        """Whether it takes writes. Raises psycopg2.Error if it does not answer."""
        return not self._value("SELECT pg_is_in_recovery()")

    def received(self) -> int:
        """Return how far it has its primary's log, in bytes."""
        return int(self._value("SELECT pg_last_wal_receive_lsn() - '0/0'"))

    def unapplied(self) -> int:
        """Return how much of what it has is not yet seen by its queries, in bytes."""
        return int(self._value("SELECT pg_last_wal_receive_lsn() - pg_last_wal_replay_lsn()"))

    def standbys(self) -> int:
        """Return how many standbys stream from it."""
        return int(self._value("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"))

    def set(self, option: str, value: str) -> None:
        """Change an option of the running server."""
        with probes.query(self.url) as cursor:
            cursor.execute(f"ALTER SYSTEM SET {option} = %s", [value])
            cursor.execute("SELECT pg_reload_conf()")

    def copy_anew(self) -> None:
        """Come back as a standby of the present primary, without what it had. It must not be running."""
        shutil.rmtree(self.data)
        self.start()

    def _fill(self, making: Path) -> None:
        if self.copied_from is None:
            super()._fill(making)
            with (making / "pg_hba.conf").open("a") as access:
                access.writelines(f"host {kind} all {self._network} scram-sha-256\n" for kind in ("all", "replication"))
        else:
            command = ["pg_basebackup", "-D", making, "-d", self.copied_from, "--write-recovery-conf"]
            environ = {**os.environ, "PGPASSWORD": secret(self.password_file)}
            self._command(making, [*command, "--checkpoint=fast", "--no-sync"], environ)

    def _value(self, query: str):
        with probes.query(self.url) as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]


def url(nodes: Sequence[Node], *, read_only: bool = False, password: bool = True) -> str:
    """Return the URL of several nodes: of the primary, or ``read_only`` of any of them."""
    user, _, place = nodes[0].url.removeprefix("postgresql://").partition("@")
    database = place.partition("/")[2]
    user = user if password else user.partition(":")[0]
    addresses, attributes = ",".join(node.address for node in nodes), "any" if read_only else "read-write"
    return f"postgresql://{user}@{addresses}/{database}?target_session_attrs={attributes}&{_NOTICED}"
