"""A primary and standbys, of which one is promoted by an operator's act."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from deploy.local import probes
from deploy.local.hosts import Host
from deploy.local.standby import Standby

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


class Node(Standby):
    """A server whose commits are acknowledged once one of the other ``names`` has them too."""

    def __init__(
        self, root: Path, port: int, log: Path, *, name: str, host: Host, names: Sequence[str], network: str
    ) -> None:
        others = ", ".join(f'"{each}"' for each in names if each != name)
        options = {**_OPTIONS, "synchronous_standby_names": f"ANY 1 ({others})"}
        password_file, fixed = root / "postgres-password", {"connections": 200, "options": options}
        super().__init__(root, port, log, name=name, password_file=password_file, host=host, **fixed)
        self._network = network

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
        super()._fill(making)
        if self.upstream is None:
            with (making / "pg_hba.conf").open("a") as access:
                access.writelines(f"host {kind} all {self._network} scram-sha-256\n" for kind in ("all", "replication"))

    def _value(self, query: str):
        with probes.query(self.url) as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]


def url(nodes: Sequence[Node], *, read_only: bool = False) -> str:
    """Return the URL of several nodes: of the primary, or ``read_only`` of any of them."""
    user, _, place = nodes[0].url.removeprefix("postgresql://").partition("@")
    database = place.partition("/")[2]
    addresses, attributes = ",".join(node.address for node in nodes), "any" if read_only else "read-write"
    return f"postgresql://{user}@{addresses}/{database}?target_session_attrs={attributes}&{_NOTICED}"
