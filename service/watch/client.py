"""Asks the watch process for its JSON documents."""

from __future__ import annotations

import json
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any

Json = dict[str, Any]

_DEADLINE_SECONDS = 2.0


class NoResponse(Exception):
    """The watch process gave no usable response; the message says where and why."""


def document(operations: str, path: str) -> Json:
    """The JSON document at ``path`` of the watch process at ``operations``, host:port. Raises NoResponse."""
    try:
        with closing(HTTPConnection(operations, timeout=_DEADLINE_SECONDS)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
    except (OSError, HTTPException) as error:
        raise NoResponse(f"no response from {operations}: {error or type(error).__name__}") from None
    if response.status != 200:
        raise NoResponse(f"{operations} responds with {response.status} to {path}")
    try:
        return dict(json.loads(body))
    except ValueError:
        raise NoResponse(f"{operations} responds to {path} with something else than JSON") from None
