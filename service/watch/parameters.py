"""The parameters of queries."""

from __future__ import annotations

import re
from collections.abc import Collection

from flask import request

from service.errors import Malformed

_WHOLE = re.compile("[0-9]{1,15}", re.ASCII)


def one_of(name: str, values: Collection[str], default: str | None = None) -> str:
    """A parameter that takes one of these values. Raises Malformed for another, or without one and a default."""
    value = _only(name) or default
    if value is None or value not in values:
        raise _malformed(name, f"Must be one of {', '.join(values)}.")
    return value


def whole(name: str, least: int, most: int) -> int | None:
    """A whole number; None without one. Raises Malformed for anything else."""
    if (value := _only(name)) is None:
        return None
    if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
        raise _malformed(name, f"Must be a whole number from {least} to {most}.")
    return int(value)


def _only(name: str) -> str | None:
    values = request.args.getlist(name)
    if len(values) > 1:
        raise _malformed(name, "Given twice.")
    return values[0] if values else None


def _malformed(name: str, message: str) -> Malformed:
    return Malformed("The query is malformed.", {name: [message]})
