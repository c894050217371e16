"""A master of a cluster as a store: calls of one name each, pipelined, as its slots demand it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

import hiredis

from service.cache.entry import Found
from service.cache.redis_calls import PUT_ENTRY, Command, checked, evaluated, milliseconds
from service.cache.redis_connection import RedisConnection
from service.cache.redis_server import Address, RedisServer
from service.cache.redis_store import ANOTHER_SERVER, RedisStore, Stored
from service.cache.slots import address_in
from service.coroutines import Work
from service.errors import RedisUnavailable

T = TypeVar("T")

_REDIRECTS = ("MOVED ", "ASK ", "TRYAGAIN ", "CLUSTERDOWN ")


class Redirected(NamedTuple):
    """An entry that was not stored, as its slot is elsewhere; ``ask`` is the node to be asked for it this once."""

    entry: Stored
    ask: Address | None


class Offered(NamedTuple):
    """How many entries were stored (or ANOTHER_SERVER), the epoch, and the entries that were sent elsewhere."""

    stored: int
    epoch: int
    redirected: Sequence[Redirected] = ()


class NodeStore(RedisStore):
    """The master at ``server``; ``on_trouble`` is called when it does not answer, or says that a slot is elsewhere.

    ``epoch_names`` are those under which its epoch may be, see ``slots``.
    """

    def __init__(
        self,
        server: RedisServer,
        timeout_seconds: float,
        names: Sequence[str],
        on_trouble: Callable[[], None],
        *,
        with_position: bool = False,
    ) -> None:
        super().__init__(server.as_node(), timeout_seconds, with_position=with_position)
        self.address = server.address
        self._on_trouble = on_trouble
        self.name_epoch(names)

    def name_epoch(self, names: Sequence[str]) -> None:
        """Its epoch is under the first of these names from now on."""
        if names != getattr(self, "_epoch_names", None):
            self._epoch_names, self.epoch_name = names, names[0]

    async def put(
        self,
        epoch: int,
        entries: Sequence[Stored],
        incarnation: int | None = None,
        not_after: float | None = None,
    ) -> int:
        """As RedisStore's. Raises RedisUnavailable also if the slot of an entry is elsewhere; the others are stored."""
        offered = await self.offer(epoch, entries, incarnation, not_after)
        if offered.redirected:
            raise RedisUnavailable
        return offered.stored

    async def offer(
        self,
        epoch: int,
        entries: Sequence[Stored],
        incarnation: int | None = None,
        not_after: float | None = None,
    ) -> Offered:
        """The same, and what was sent elsewhere."""
        offered = await self._call_known(partial(self._offer, epoch, entries, incarnation, not_after))
        if offered.redirected:
            self._on_trouble()
        return offered

    async def take(self, entries: Sequence[Stored], epoch: int, incarnation: int) -> None:
        """Store entries of slots that are on their way to it, unless newer ones are there.

        They are judged by the epoch and the incarnation of the master that still has the slots.
        """
        await self._call(partial(self._take, entries, (epoch, incarnation)))

    async def raise_position(self, incarnation: int, epoch: int, written: int) -> bool:
        """As RedisStore's."""
        with self._checking_name():
            return await super().raise_position(incarnation, epoch, written)

    async def _get(self, names: Sequence[str], connection: RedisConnection, until: float) -> Found:
        asked = [*self._about(), *names]
        await connection.send(*[("GET", name) for name in asked], until=until)
        replies = [await connection.reply(until) for _ in asked]
        found = self._found([self._unless_redirected(reply) for reply in replies], connection, until)
        self._check_name(replies[0])
        self.epoch = max(self.epoch, found.epoch or 0)
        return found

    def _unless_redirected(self, reply: Any) -> bytes | None:
        """What is stored; nothing where the slot is elsewhere."""
        if isinstance(reply, hiredis.ReplyError):
            if not _is_redirect(reply):
                raise RedisUnavailable from reply
            self._on_trouble()
            return None
        found: bytes | None = reply
        return found

    def _check_name(self, reply: Any) -> None:
        """Take the other name for the epoch if the slot of this one is on its way elsewhere, perhaps for long."""
        if isinstance(reply, hiredis.ReplyError) and str(reply).startswith("ASK "):
            names = self._epoch_names
            self.epoch_name = names[(names.index(self.epoch_name) + 1) % len(names)]

    @contextmanager
    def _checking_name(self) -> Iterator[None]:
        """The same of a script's failure, in a block that does nothing but call it."""
        try:
            yield
        except RedisUnavailable as error:
            self._check_name(error.__cause__)
            raise

    async def _offer(
        self,
        epoch: int,
        entries: Sequence[Stored],
        incarnation: int | None,
        not_after: float | None,
        connection: RedisConnection,
        until: float,
    ) -> Offered:
        """In two round trips: entries are judged by the epoch and the incarnation that there are."""
        with self._checking_name():
            count, known, own = await self._put(epoch, [], incarnation, not_after, connection, until)
        if count == ANOTHER_SERVER or not entries or incarnation not in (None, own):
            return Offered(count, known)
        last_instant = "" if not_after is None else connection.server_microseconds(not_after)
        calls = [_call_of(entry, (last_instant, known, own)) for entry in entries]
        return self._offered(entries, known, await evaluated(PUT_ENTRY, calls, connection, until))

    async def _take(
        self, entries: Sequence[Stored], about: tuple[int, int], connection: RedisConnection, until: float
    ) -> None:
        calls = [call for entry in entries for call in (("ASKING",), _call_of(entry, ("", *about)))]
        for reply in await evaluated(PUT_ENTRY, calls, connection, until):
            checked(reply)

    def _offered(self, entries: Sequence[Stored], epoch: int, replies: Sequence[Any]) -> Offered:
        stored, redirected = 0, []
        for entry, reply in zip(entries, replies, strict=True):
            if _is_redirect(reply):
                said = str(reply)
                redirected.append(
                    Redirected(entry, address_in(said, self.address) if said.startswith("ASK ") else None)
                )
            else:
                stored += checked(reply)
        return Offered(stored, epoch, redirected)

    async def _call(self, exchange: Callable[[RedisConnection, float], Work[T]]) -> T:
        try:
            return await super()._call(exchange)
        except RedisUnavailable:
            self._on_trouble()
            raise


def _call_of(entry: Stored, about: tuple[str | int, int, int]) -> Command:
    name, stored, keep_seconds = entry
    return ("EVALSHA", PUT_ENTRY.sha, 1, name, *about, stored, milliseconds(keep_seconds))


def _is_redirect(reply: Any) -> bool:
    """Whether a reply says that the slot is elsewhere, or nowhere now."""
    return isinstance(reply, hiredis.ReplyError) and str(reply).startswith(_REDIRECTS)
