"""Shadow verification: a sample of the hits is compared with the source, in the background."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from service.catalogue import Catalogue, Document, Key
from service.catalogue.background_queue import BackgroundQueue
from service.coroutines import block_on
from service.errors import RedisUnavailable
from service.metrics.counting import Counts

_LOG = logging.getLogger(__name__)

# The invalidator writes a new epoch when it is notified, and every second if that failed; see Outbox.
_EPOCH_WRITTEN_WITHIN_SECONDS = 5.0

Sample = tuple[Key, Document]


class Shadow:
    """Verifies a sample of the hits against ``source``, in the background, and counts the results in ``counts``.

    equal
        the source has the same.
    allowed-stale
        it has changed, and the invalidation is pending or has arrived since: ``pending`` gives the numbers of the
        oldest and the newest pending one, ``look_up`` what the cache has now.
    wrong
        anything else. Each is logged, and is an error of this service.
    """

    def __init__(
        self,
        share: float,
        source: Catalogue,
        look_up: Callable[[Sequence[Key]], Awaitable[Sequence[Document | None]]],
        pending: Callable[[], Awaitable[tuple[int, int]]],
        counts: Counts,
    ) -> None:
        self._share = share
        self._source = source
        self._look_up = look_up
        self._pending = pending
        self._counts = counts
        self._queue: BackgroundQueue[Sample] = BackgroundQueue(
            "shadow verification", lambda samples: block_on(self._check(samples))
        )

    def sample(self, keys: Sequence[Key], found: Sequence[Document | None]) -> None:
        """Queue a sample of the hits among these, without waiting."""
        if not self._share:
            return
        hits = [(key, one) for key, one in zip(keys, found, strict=True) if one is not None and one.outcome == "hit"]
        if chosen := [hit for hit in hits if random.random() < self._share]:  # noqa: S311 (a sample, no secret)
            self._queue.ask(chosen)

    def close(self) -> None:
        """Stop verifying."""
        self._queue.close()

    async def _check(self, samples: Collection[Sample]) -> None:
        now = await self._source.documents({key for key, _ in samples})
        changed = [sample for sample in samples if _differs(sample[1], now[sample[0]])]
        wrong = await self._wrong(changed, now)
        for key, served in wrong:
            _LOG.error("a wrong hit", extra={"document": f"{key.kind}/{key.product_id}", "version": served.version})
        self._counts.add(("equal",), len(samples) - len(changed))
        self._counts.add(("allowed-stale",), len(changed) - len(wrong))
        self._counts.add(("wrong",), len(wrong))

    async def _wrong(self, changed: Sequence[Sample], now: Mapping[Key, Document]) -> Sequence[Sample]:
        """Those that no pending invalidation explains."""
        impossible = [sample for sample in changed if not _may_follow(now[sample[0]], sample[1])]
        others = [sample for sample in changed if sample not in impossible]
        # In this order: what was invalidated before the outbox was found empty is out of the cache at the look-up.
        if not others or await self._pending() != (0, 0):
            return impossible
        try:
            still = await self._look_up([key for key, _ in others])
        except RedisUnavailable:
            return impossible
        kept = [sample for sample, one in zip(others, still, strict=True) if one and one.version == sample[1].version]
        return impossible + [sample for sample in kept if not _is_new_load(now[sample[0]], sample[1])]


def _differs(served: Document, now: Document) -> bool:
    return (served.epoch, served.version, served.etag) != (now.epoch, now.version, now.etag)


def _may_follow(now: Document, served: Document) -> bool:
    """Whether the source can have changed from ``served`` to ``now``: newer, or deleted."""
    return (now.epoch, now.version) > (served.epoch, served.version) or (now.body is None and served.body is not None)


def _is_new_load(now: Document, served: Document) -> bool:
    return now.epoch > served.epoch and time.time() - now.epoch / 1e6 < _EPOCH_WRITTEN_WITHIN_SECONDS
