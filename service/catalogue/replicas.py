"""The catalogue in replicas of Postgres, read at one that has replayed what was announced."""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from service import deadline
from service.cache.breaker import Breaker
from service.cache.position import Position
from service.catalogue.database import REPLAYED, DatabaseCatalogue
from service.errors import PoolExhausted, PostgresUnavailable, ReplicaBehind, Unavailable
from service.metrics.counting import Counts
from service.postgres import Call, Postgres

_LOG = logging.getLogger(__name__)

SHARE_OF_DEADLINE = 0.25
"""A replica that hangs costs a read so much of its time; the primary has the rest."""

# One that is behind has caught up after its lag, most often some milliseconds: if the primary fails meanwhile, a longer
# pause would leave nobody to ask. One that failed has to be started.
_PAUSE_BEHIND_SECONDS = 0.005
_PAUSE_AFTER_FAILURE_SECONDS = 2.0
# Under a price feed one is behind for some milliseconds again and again, which nobody has to know.
_LOGGED_AFTER_SECONDS = 1.0

Ids = tuple[list[int], bool]


class Replica:
    """The replica at an ``address``, and whether it is asked now. ``clock`` is monotonic.

    A line of the log says that it is skipped, once it has been for a second, and another one that it is read again.
    """

    def __init__(self, address: str, postgres: Postgres, clock: Callable[[], float] = time.monotonic) -> None:
        self.postgres = postgres
        self._address = address
        self._clock = clock
        self._lag, self._outage = (
            Breaker(seconds, clock) for seconds in (_PAUSE_BEHIND_SECONDS, _PAUSE_AFTER_FAILURE_SECONDS)
        )
        self._skipped_since: float | None = None
        self._is_logged = False

    @property
    def is_behind(self) -> bool:
        """Whether it answered when it was last asked, and lacked what was announced."""
        return self._lag.is_open and not self._outage.is_open

    def allows(self) -> bool:
        """Whether to ask it: not within a pause after it was behind or failed."""
        return self._outage.allows() and self._lag.allows()

    async def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        """Run the calls there, as Postgres does."""
        try:
            rows = await self.postgres.run(*calls)
        except ReplicaBehind:
            self._outage.succeeded()
            self._lag.failed()
            self._note_skipped("behind")
            raise
        except PoolExhausted:  # a busy one goes on, and one that hangs has failed another call
            raise
        except PostgresUnavailable:
            self._outage.failed()
            self._note_skipped("failed")
            raise
        self._outage.succeeded()
        self._lag.succeeded()
        self._note_read()
        return rows

    def _note_skipped(self, reason: str) -> None:
        now = self._clock()
        self._skipped_since = since = self._skipped_since or now
        if not self._is_logged and now - since >= _LOGGED_AFTER_SECONDS:
            self._is_logged = True
            _LOG.warning("a replica is skipped", extra={"replica": self._address, "reason": reason})

    def _note_read(self) -> None:
        if self._is_logged:
            _LOG.warning("a replica is read again", extra={"replica": self._address})
        self._skipped_since, self._is_logged = None, False


class Replicas:
    """Replicas, asked in turn; ``reads`` counts what becomes of each read.

    ``timeout_seconds`` is that of a read as a whole, the primary's included.
    """

    def __init__(self, replicas: Sequence[Replica], timeout_seconds: float, reads: Counts) -> None:
        self._replicas = replicas
        self._timeout_seconds = timeout_seconds
        self._reads = reads
        self._turns = itertools.count(os.getpid())  # instances begin at different ones

    def at(self, position: Position | None) -> DatabaseCatalogue:
        """The catalogue as a replica has it that has replayed this position; nowhere if none is known.

        Its methods raise PostgresUnavailable.
        """
        return DatabaseCatalogue(_At(self, position))

    async def run(self, position: Position | None, *calls: Call) -> list[tuple[Any, ...]]:
        """Run the calls at the next replica that is asked now, and that has the position.

        Raises PostgresUnavailable if there is none.
        """
        if position is None:
            raise self._left_to_primary("no-position")
        replayed, first = Call(REPLAYED, position[:2]), next(self._turns)
        for number in range(len(self._replicas)):
            replica = self._replicas[(first + number) % len(self._replicas)]
            share = deadline.left(self._timeout_seconds) * SHARE_OF_DEADLINE
            if share > 0 and replica.allows():
                with suppress(PostgresUnavailable), deadline.within(share):
                    rows = await replica.run(replayed, *calls)
                    self._reads.add(("served",))
                    return rows
        raise self._left_to_primary("behind" if any(each.is_behind for each in self._replicas) else "failed")

    def close(self) -> None:
        """Close the idle connections."""
        for replica in self._replicas:
            replica.postgres.close()

    def _left_to_primary(self, reason: str) -> PostgresUnavailable:
        self._reads.add((reason,))
        return PostgresUnavailable()


class _At(NamedTuple):
    """Replicas, as of a position."""

    replicas: Replicas
    position: Position | None

    async def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        return await self.replicas.run(self.position, *calls)


class ReplicatedLists:
    """Lists of ids: of replicas where ``look_up`` says that these have what was announced, else of the primary."""

    def __init__(
        self, primary: DatabaseCatalogue, replicas: Replicas, look_up: Callable[[], Awaitable[Position | None]]
    ) -> None:
        self._primary = primary
        self._replicas = replicas
        self._look_up = look_up

    async def ids_on_page(self, page: int, size: int, count: int) -> Ids:
        """As DatabaseCatalogue has it."""
        return await self._read(lambda catalogue: catalogue.ids_on_page(page, size, count))

    async def ids_after(self, product_id: int, count: int) -> Ids:
        """As DatabaseCatalogue has it."""
        return await self._read(lambda catalogue: catalogue.ids_after(product_id, count))

    async def _read(self, read: Callable[[DatabaseCatalogue], Awaitable[Ids]]) -> Ids:
        position = None
        with suppress(Unavailable):
            position = await self._look_up()
        with suppress(Unavailable):
            return await read(self._replicas.at(position))
        return await read(self._primary)
