"""Statements from ``.sql`` files, and calls of them with values."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

_PARAMETER = re.compile(r"\$(\d+)")
_COMMENT = re.compile("--[^\n]*")


class Statement(NamedTuple):
    """A query from a ``.sql`` file with parameters ``$1 …``; prepared once per connection under its name."""

    name: str
    sql: str

    @classmethod
    def load(cls, path: Path) -> Statement:
        """Read one file; its name without ``.sql`` is the statement's. The file casts its parameters."""
        return cls(path.stem, path.read_text("utf-8").strip().rstrip(";"))


class Call(NamedTuple):
    """A statement with the values of its parameters."""

    statement: Statement
    values: Sequence[Any] = ()


def text_of(calls: Sequence[Call]) -> tuple[str, list[Any]]:
    """SQL text that makes all the calls, and its values, for psycopg2."""
    text = ";".join([_invocation(statement) for statement, _ in calls])
    return text, [_adapted(value) for _, values in calls for value in values]


def inlined(calls: Sequence[Call], literal: Callable[[Any], str]) -> str:
    """SQL text of all the calls for a server that prepares nothing; ``literal`` writes a value into it."""
    return ";".join([_with_values(call.statement, [literal(_adapted(each)) for each in call.values]) for call in calls])


def _with_values(statement: Statement, literals: Sequence[str]) -> str:
    # In one pass: what looks like a parameter in a value is none.
    return _PARAMETER.sub(lambda parameter: literals[int(parameter[1]) - 1], _without_comments(statement))


@functools.cache
def _without_comments(statement: Statement) -> str:
    """A value in a comment could end its line, and the comment with it. No string in a statement contains ``--``."""
    return _COMMENT.sub("", statement.sql)


@functools.cache
def _invocation(statement: Statement) -> str:
    count = max(map(int, _PARAMETER.findall(statement.sql)), default=0)
    return f"EXECUTE {statement.name}" + (f"({','.join(['%s'] * count)})" if count else "")


def _adapted(value: Any) -> Any:
    # Lists are sent as one literal: psycopg2's ARRAY[…] would be one expression for each element to the server.
    if isinstance(value, list):
        if value and type(value[0]) is int:
            return f"{{{','.join(map(str, value))}}}"
        return f"{{{','.join(map(_element, value))}}}"
    return value


def _element(value: str | None) -> str:
    if value is None:
        return "NULL"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
