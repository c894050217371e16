"""The OpenAPI document of an application: its routes with what their views are decorated with, and real answers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from deploy.openapi.examples import Examples
from deploy.openapi.info import ABOUT, SECURITY_SCHEMES, TAGS
from service import errors
from service.web import contract
from service.web.contract import Answer, Operation, headers
from service.web.contract.advice import ADVICE
from service.web.contract.bodies import Problem
from service.web.schemas import Part

_PROBLEM = "application/problem+json"
_OPENAPI = "3.1.0"


def document(examples: Examples) -> dict[str, Any]:
    """The whole document. Raises ValueError where an answer is not the one that is described."""
    marshmallow = MarshmallowPlugin()
    spec = APISpec(openapi_version=_OPENAPI, plugins=[marshmallow], **ABOUT, tags=TAGS)
    marshmallow.converter.add_parameter_attribute_function(_parameter_attributes)
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for name, (meaning, schema) in headers.RESPONSE.items():
        spec.components.header(name, _with_schema(meaning, schema))
    spec.components.schema("Problem", schema=Problem)
    for code, advice in ADVICE.items():
        value = examples.problems[code]
        spec.components.example(code, {"summary": value["title"], "description": advice, "value": value})
    spec.components.response("Other", _problem_response(contract.OF_ANY_REQUEST, "Errors of any request."))
    for route in _routes(examples.app):
        spec.path(route.path, operations=_described(examples, route))
    return spec.to_dict()


@dataclass(frozen=True)
class _Route:
    """A route with what its view is decorated with."""

    method: str
    path: str
    view: Callable[..., Any]
    operation: Operation


def _routes(app: Flask) -> Iterator[_Route]:
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if operation := contract.OPERATIONS.get(view):
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            yield _Route(method, re.sub(r"<(\w+)>", r"{\1}", rule.rule), view, operation)


def _described(examples: Examples, route: _Route) -> dict[str, Any]:
    """The operations by method: of the catalogue, HEAD too, whose answers have more to say than those of others."""
    summary, _, description = inspect.cleandoc(route.view.__doc__ or "").partition("\n\n")
    operation = route.operation
    found: dict[str, Any] = {
        "operationId": route.view.__name__,
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        "description": " ".join(description.split()),
        "parameters": _parameters(operation),
        "responses": _responses(examples, route),
    }
    if operation.tag == contract.CART:
        found["security"] = [{}, *({name: []} for name in SECURITY_SCHEMES)]
    if operation.body:
        body = {"schema": operation.body, "example": _values(operation.body)}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    found = {name: value for name, value in found.items() if value}
    head = {"head": _head(deepcopy(found))} if operation.tag == contract.CATALOGUE else {}  # apispec changes its input
    return {route.method.lower(): found, **head}


def _head(get: dict[str, Any]) -> dict[str, Any]:
    bodyless = {
        status: {name: value for name, value in response.items() if name != "content"}
        if status.startswith("2")
        else response
        for status, response in get["responses"].items()
    }
    headers_only = {"operationId": f"{get['operationId']}_headers", "summary": f"The headers of: {get['summary']}"}
    return {name: get[name] for name in ("tags", "parameters")} | headers_only | {"responses": bodyless}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found = [
        {"in": place, "schema": schema}
        for place, schema in (("path", operation.path), ("query", operation.query))
        if schema
    ]
    for name in operation.headers:
        found.append({"in": "header", "name": name, **_with_schema(*headers.REQUEST[name])})
    return found


def _responses(examples: Examples, route: _Route) -> dict[str, Any]:
    operation = route.operation
    found = {str(answer.status): _response(examples, route, answer) for answer in operation.answers}
    for status in sorted({problem.status for problem in operation.problems}):
        problems = [problem for problem in operation.problems if problem.status == status]
        content = found.get(str(status), {}).get("content", {})
        response = _problem_response(problems, " ".join(str(problem.__doc__) for problem in problems))
        found[str(status)] = response | {"content": content | response["content"]}
    return found | {"default": "Other"}


def _response(examples: Examples, route: _Route, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.meaning, "headers": _headers(answer.headers)}
    if answer.body is None:
        return found
    content: dict[str, Any] = {"schema": _body(answer.body)}
    asked = route.operation.examples
    shown = {name: {"value": _answered(examples, route, answer.status, given)} for name, given in asked.items()}
    if "" in shown:
        content["example"] = shown[""]["value"]
    elif shown:
        content["examples"] = shown
    return found | {"content": {answer.media_type: content}}


def _answered(examples: Examples, route: _Route, status: int, given: Mapping[str, Any]) -> Any:
    """What the application answers to an example."""
    operation = route.operation
    address = route.path.format(**_values(operation.path, given))
    if query := urlencode(_values(operation.query, given), safe=","):
        address += f"?{query}"
    response = examples.answer(route.method, address, _values(operation.body, given) or None, status)
    return response.json if response.is_json else response.text


def _values(schema: type[Part] | None, given: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """The examples of a schema's fields, and what is given for them instead."""
    fields = schema().fields if schema else {}
    found = {name: given.get(name, one.metadata.get("example")) for name, one in fields.items()}
    return {name: value for name, value in found.items() if value is not None}


def _body(body: Any) -> Any:
    return {"type": "array", "items": body[0]} if isinstance(body, list) else body


def _headers(names: Any) -> dict[str, str]:
    return {name: name for name in (*names, "X-Request-Id")}


def _problem_response(problems: contract.Problems, meaning: str) -> dict[str, Any]:
    sometimes = {
        "Allow": errors.MethodNotAllowed in problems,
        "Retry-After": any(problem.retry_after_seconds for problem in problems),
        "Idempotency-Replayed": errors.KeyReused in problems,
    }
    named = ["Cache-Control", *(name for name, is_sent in sometimes.items() if is_sent)]
    content = {"schema": Problem, "examples": {problem.code: problem.code for problem in problems}}
    return {"description": meaning, "headers": _headers(named), "content": {_PROBLEM: content}}


def _with_schema(meaning: str, schema: Any) -> dict[str, Any]:
    example = {"example": schema["example"]} if "example" in schema else {}
    return {"description": meaning, "schema": {n: v for n, v in schema.items() if n != "example"}, **example}


def _parameter_attributes(_converter: Any, _field: Any, *, ret: dict[str, Any]) -> dict[str, Any]:
    """An example is of the parameter, and whether it may be empty; several values are separated by commas."""
    schema = ret["schema"]
    found = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    for keyword, attribute in (("example", "example"), ("x-allow-empty", "allowEmptyValue")):
        if keyword in schema:
            found[attribute] = schema.pop(keyword)
    return found
