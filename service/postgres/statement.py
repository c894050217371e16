"""What is asked of Postgres: statements of ``.sql`` files, and calls of them with values."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Statement(NamedTuple):
    """A query of a ``.sql`` file with parameters ``$1 …``; prepared once on each connection under its name."""

    name: str
    sql: str

    @classmethod
    def load(cls, path: Path) -> Statement:
        """Read one file; its name without ``.sql`` is the statement's, and so are its parameters' casts."""
        return cls(path.stem, path.read_text("utf-8").strip().rstrip(";"))


class Call(NamedTuple):
    """A statement with the values of its parameters."""

    statement: Statement
    values: Sequence[Any] = ()


def text_of(calls: Sequence[Call]) -> tuple[str, list[Any]]:
    """One text that makes all the calls, and its values, as psycopg2 takes them."""
    text = ";".join([_invocation(statement) for statement, _ in calls])
    return text, [_adapted(value) for _, values in calls for value in values]


@functools.cache
def _invocation(statement: Statement) -> str:
    count = max((int(number) for number in re.findall(r"\$(\d+)", statement.sql)), default=0)
    return f"EXECUTE {statement.name}" + (f"({','.join(['%s'] * count)})" if count else "")


def _adapted(value: Any) -> Any:
    # Numbers travel as one literal: of psycopg2's ARRAY[…], the server would make an expression for each of them.
    if isinstance(value, list) and all(type(element) is int for element in value):
        return f"{{{','.join(map(str, value))}}}"
    return value
