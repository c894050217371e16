"""What came in, checked: path, query and body, each by its schema. Whatever is wrong raises with the fields named."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import request
from marshmallow import ValidationError

from service.errors import Malformed, UnsupportedMediaType
from service.web.schemas import Strict


def path(schema: type[Strict]) -> dict[str, Any]:
    """The variable parts of the path. Raises Malformed."""
    return _load(schema, request.view_args or {}, "The path is malformed.")


def query(schema: type[Strict]) -> dict[str, Any]:
    """The query. Raises Malformed, also where a name is given twice."""
    try:
        given = request.args.to_dict(flat=False)
    except UnicodeDecodeError:
        raise Malformed("The query is not UTF-8.") from None
    if twice := {name: ["Given more than once."] for name, values in given.items() if len(values) > 1}:
        raise Malformed("The query is malformed.", twice)
    return _load(schema, {name: values[0] for name, values in given.items()}, "The query is malformed.")


def body(schema: type[Strict]) -> dict[str, Any]:
    """The JSON body. Raises UnsupportedMediaType, Malformed."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        given = json.loads(request.get_data().decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("The body is not valid JSON.") from None
    if not isinstance(given, dict):
        raise Malformed("The body must be a JSON object.")
    return _load(schema, given, "The body is malformed.")


def _load(schema: type[Strict], given: Mapping[str, Any], detail: str) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = schema().load(given)
    except ValidationError as error:
        raise Malformed(detail, _messages(error)) from None
    return loaded


def _messages(error: ValidationError) -> dict[str, list[str]]:
    given = error.messages if isinstance(error.messages, dict) else {"": error.messages}
    return {str(name): [str(message) for message in messages] for name, messages in given.items()}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise ValueError("a name stands twice")
    return names


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)
