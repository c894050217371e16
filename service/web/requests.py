"""Path, query and body of a request, each validated by its schema. Errors name the fields."""

from __future__ import annotations

import json
import re
import select
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from flask import request
from marshmallow import ValidationError

from service.coroutines import is_ready
from service.errors import Malformed, Unavailable, UnsupportedMediaType
from service.web.schemas import Part

_HUNG_UP = getattr(select, "POLLRDHUP", 0)  # of Linux
IDEMPOTENCY_KEY = "Idempotency-Key"
_KEY = re.compile("[ -~]{1,255}", re.ASCII)


def path(schema: type[Part]) -> dict[str, Any]:
    """The variable parts of the path. Raises Malformed."""
    return _load(schema, request.view_args or {}, "The path is malformed.")


def query(schema: type[Part]) -> dict[str, Any]:
    """The query. Raises Malformed, also where a name of the schema is given twice."""
    try:
        given = request.args.to_dict(flat=False)
    except UnicodeDecodeError:
        raise Malformed("The query is not UTF-8.") from None
    _refuse_twice(schema, [name for name, values in given.items() if len(values) > 1], "The query is malformed.")
    return _load(schema, {name: values[0] for name, values in given.items()}, "The query is malformed.")


def body(schema: type[Part]) -> dict[str, Any]:
    """The JSON body. Raises UnsupportedMediaType, Malformed."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    given = json_object(request.get_data())
    _refuse_twice(schema, given.twice, "The body is malformed.")
    return _load(schema, given, "The body is malformed.")


def json_object(data: bytes) -> Object:
    """The JSON object that these bytes are. Raises Malformed."""
    try:
        given = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    if not isinstance(given, Object):
        raise Malformed("The body must be a JSON object.")
    return given


def idempotency_key() -> str | None:
    """The Idempotency-Key, None without one. Raises Malformed."""
    key = request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not _KEY.fullmatch(key):
        wanted = "Must be 1 to 255 printable ASCII characters."
        raise Malformed(f"The {IDEMPOTENCY_KEY} header is malformed.", {IDEMPOTENCY_KEY: [wanted]})
    return key


def refuse_abandoned() -> None:
    """Raises Unavailable if a proxy has given this request up before it was begun.

    It has repeated it elsewhere then, if it can be: carried out here too, it would undo what the client wrote since.
    A proxy that gives up closes the connection; another client may only have said that it sends no more.
    """
    client = request.environ.get("gunicorn.socket")
    if client is None or not _HUNG_UP or "X-Forwarded-For" not in request.headers:
        return
    if is_ready(client, _HUNG_UP):
        raise Unavailable


def _load(schema: type[Part], given: Mapping[str, Any], detail: str) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema().load(given)
    except ValidationError as error:
        raise Malformed(detail, _messages(error)) from None
    return loaded


def _messages(error: ValidationError) -> dict[str, list[str]]:
    given = error.messages if isinstance(error.messages, dict) else {"": error.messages}
    return {str(name): [str(message) for message in messages] for name, messages in given.items()}


class Object(dict[str, Any]):
    """A JSON object; ``twice`` lists its duplicate names."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs] if len(self) < len(pairs) else []
        self.twice = [name for name in self if names.count(name) > 1]


def _refuse_twice(schema: type[Part], names: Iterable[str], detail: str) -> None:
    if twice := {name: ["Given more than once."] for name in names if name in schema().fields}:
        raise Malformed(detail, twice)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


_DECODER = json.JSONDecoder(object_pairs_hook=Object, parse_constant=_no_number)
