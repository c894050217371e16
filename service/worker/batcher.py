"""Requests in batches: while one is being answered the next gathers, without a timer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from service.worker.connection import Connection
from service.worker.fast_path import Response, Stage
from service.worker.tasks import Tasks

_LOG = logging.getLogger(__name__)

# A batch that takes longer waits for a lock or a server that hangs: another may be in flight at the same time.
_LATE_SECONDS = 0.05
_MOST_IN_FLIGHT = 2


class Batcher:
    """Answers requests by a ``stage`` of the fast path; ``answered`` gets each batch with its responses.

    ``common`` gives the header lines that the worker sends with every response.
    """

    def __init__(
        self,
        stage: Stage,
        tasks: Tasks,
        common: Callable[[], bytes],
        answered: Callable[[Sequence[Connection], Sequence[Response]], None],
    ) -> None:
        self._stage = stage
        self._tasks = tasks
        self._common = common
        self._answered = answered
        self.gathered: list[Connection] = []
        self._in_flight = 0
        self._late_at = 0.0

    def wait_seconds(self, most: float) -> float:
        """How long to wait for events: ``most``, or until what has gathered may begin in any case."""
        if not self.gathered or self._in_flight == _MOST_IN_FLIGHT:
            return most
        return min(most, max(0.0, self._late_at - time.monotonic()))

    def begin(self) -> Sequence[Connection]:
        """Begin a batch with what has gathered, if few enough are in flight or the last one is late.

        Return those for whom there is no room to wait.
        """
        while self.gathered and self._may_begin():
            most = self._stage.most_in_batch
            batch, self.gathered = self.gathered[:most], self.gathered[most:]
            self._in_flight += 1
            self._late_at = time.monotonic() + _LATE_SECONDS
            self._tasks.start(self._answer(batch))
        if len(self.gathered) <= (room := self._stage.most_waiting):
            return ()
        refused, self.gathered = self.gathered[room:], self.gathered[:room]
        return refused

    def _may_begin(self) -> bool:
        if self._in_flight < self._stage.in_flight:
            return True
        return self._in_flight < _MOST_IN_FLIGHT and time.monotonic() >= self._late_at

    async def _answer(self, batch: Sequence[Connection]) -> None:
        responses: Sequence[Response]
        try:
            responses = await self._stage.answer([connection.request for connection in batch], self._common)
        except Exception:
            _LOG.exception("the fast path failed")
            responses = [None] * len(batch)
        self._in_flight -= 1
        self._answered(batch, responses)
