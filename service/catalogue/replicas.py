"""The catalogue in replicas of Postgres, read at one that has replayed what was announced."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from service import deadline
from service.cache.breaker import Breaker
from service.cache.position import Position
from service.catalogue.database import REPLAYED, DatabaseCatalogue
from service.errors import PostgresUnavailable, ReplicaBehind, Unavailable
from service.postgres import Call, Postgres

SHARE_OF_DEADLINE = 0.25
"""A replica that hangs costs a read so much of its time; the primary has the rest."""

# One that is behind has caught up after its lag, most often some milliseconds: if the primary fails meanwhile, a longer
# pause would leave nobody to ask. One that failed has to be started.
_PAUSE_BEHIND_SECONDS = 0.005
_PAUSE_AFTER_FAILURE_SECONDS = 2.0

Ids = tuple[list[int], bool]


class Replica:
    """One replica, and whether it is asked now."""

    def __init__(self, postgres: Postgres, clock: Callable[[], float] = time.monotonic) -> None:
        self.postgres = postgres
        self._lag, self._outage = (
            Breaker(seconds, clock) for seconds in (_PAUSE_BEHIND_SECONDS, _PAUSE_AFTER_FAILURE_SECONDS)
        )

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
            raise
        except PostgresUnavailable:
            self._outage.failed()
            raise
        self._outage.succeeded()
        self._lag.succeeded()
        return rows


class Replicas:
    """Replicas, asked in turn. ``timeout_seconds`` is that of a read as a whole, the primary's included."""

    def __init__(self, replicas: Sequence[Replica], timeout_seconds: float) -> None:
        self._replicas = replicas
        self._timeout_seconds = timeout_seconds
        self._turns = itertools.count(os.getpid())  # instances begin at different ones

    def at(self, position: Position) -> DatabaseCatalogue:
        """The catalogue as a replica has it that has replayed this position. Its methods raise PostgresUnavailable."""
        return DatabaseCatalogue(_At(self, position))

    async def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        """Run the calls at the next replica that is asked now, and that can. Raises PostgresUnavailable if none can."""
        first, failure = next(self._turns), PostgresUnavailable()
        for number in range(len(self._replicas)):
            replica = self._replicas[(first + number) % len(self._replicas)]
            if replica.allows():
                try:
                    with deadline.within(deadline.left(self._timeout_seconds) * SHARE_OF_DEADLINE):
                        return await replica.run(*calls)
                except PostgresUnavailable as error:
                    failure = error
        raise failure

    def close(self) -> None:
        """Close the idle connections."""
        for replica in self._replicas:
            replica.postgres.close()


class _At(NamedTuple):
    """Replicas, as of a position."""

    replicas: Replicas
    position: Position

    async def run(self, *calls: Call) -> list[tuple[Any, ...]]:
        return await self.replicas.run(Call(REPLAYED, self.position[:2]), *calls)


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
        with suppress(Unavailable):
            if (position := await self._look_up()) is not None:
                return await read(self._replicas.at(position))
        return await read(self._primary)
