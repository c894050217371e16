"""Commands to Redis and their replies: errors, and scripts that have to be loaded first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import hiredis

from service.cache.redis_connection import RedisConnection
from service.errors import RedisUnavailable

Command = tuple[str | bytes | int, ...]


class Script(NamedTuple):
    """A Lua script that stores entries, and its SHA-1."""

    text: str
    sha: str

    @classmethod
    def load(cls, file: str) -> Script:
        """That of a file, after the text that all of them share."""
        folder = Path(__file__).parent
        text = "".join((folder / name).read_text("utf-8") for name in ("order.lua", file))
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


PUT, PUT_ENTRY = Script.load("put.lua"), Script.load("put_entry.lua")


async def called(connection: RedisConnection, command: Command, until: float) -> Any:
    """The reply to a command, which may be a ``hiredis.ReplyError``."""
    await connection.send(command, until=until)
    return await connection.reply(until)


async def evaluated(script: Script, calls: Sequence[Command], connection: RedisConnection, until: float) -> list[Any]:
    """The replies to calls of a script, which is loaded if the server does not know it, or has forgotten it."""
    await connection.send(*calls, until=until)
    replies = [await connection.reply(until) for _ in calls]
    if any(isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT") for reply in replies):
        checked(await called(connection, ("SCRIPT", "LOAD", script.text), until))
        await connection.send(*calls, until=until)
        replies = [await connection.reply(until) for _ in calls]
    return replies


def milliseconds(seconds: float) -> int:
    """A TTL as Redis takes it."""
    return max(1, int(seconds * 1000))


def checked(reply: Any) -> Any:
    """The reply, if it is no error. Raises RedisUnavailable."""
    if isinstance(reply, hiredis.ReplyError):
        raise RedisUnavailable from reply
    return reply
