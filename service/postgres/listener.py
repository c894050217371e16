"""A connection that waits for NOTIFY."""

from __future__ import annotations

import time

from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.postgres.connection import LOST, Connection
from service.postgres.servers import Servers


class Listener:
    """One connection that listens on ``channel``; it is made when first needed and again after it was lost."""

    def __init__(self, url: str, channel: str, timeout_seconds: float) -> None:
        self._servers = Servers(url, f"overview {channel}", {})
        self._channel = channel
        self._timeout_seconds = timeout_seconds
        self._connection: Connection | None = None

    def wait(self, seconds: float) -> bool:
        """Whether there was a notification within ``seconds``; true at once on a new connection, as one may be missed.

        Raises PostgresUnavailable.
        """
        try:
            if self._connection is None:
                until = time.monotonic() + self._timeout_seconds
                self._connection = self._servers.connect(until)
                block_on(self._connection.execute(f"LISTEN {self._channel}", (), until))
                return True
            if self._connection.has_arrivals(seconds):
                self._connection.poll()
                notified = bool(self._connection.notifies)
                self._connection.notifies.clear()
                return notified
        except LOST as error:
            self.close()
            raise PostgresUnavailable from error
        return False

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
