"""The OpenAPI document of an application: its routes with what their views are decorated with, and real answers."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from werkzeug.routing import Rule

from deploy.openapi.examples import Examples
from deploy.openapi.info import ABOUT, SECURITY_SCHEMES, TAGS
from service import errors
from service.web import contract
from service.web.contract import Answer, Operation, headers
from service.web.contract.advice import ADVICE
from service.web.contract.bodies import Problem

_PROBLEM = "application/problem+json"
_OPENAPI = "3.1.0"


def document(examples: Examples) -> dict[str, Any]:
    """The whole document. Raises ValueError where an answer is not the one that is described."""
    marshmallow = MarshmallowPlugin()
    spec = APISpec(openapi_version=_OPENAPI, plugins=[marshmallow], **ABOUT, tags=TAGS)
    marshmallow.converter.add_parameter_attribute_function(_beside_the_schema)
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for name, (meaning, schema) in headers.RESPONSE.items():
        spec.components.header(name, _with_schema(meaning, schema))
    spec.components.schema("Problem", schema=Problem)
    for code, value in examples.problems.items():
        spec.components.example(code, {"summary": value["title"], "description": ADVICE[code], "value": value})
    spec.components.response("Other", _problem_response(contract.OF_ANY_REQUEST, "Errors of any request."))
    for rule, operation in _routes(examples.app):
        spec.path(_path(rule), operations=_operations(examples, rule, operation))
    return spec.to_dict()


def _routes(app: Flask) -> Iterator[tuple[Rule, Operation]]:
    for rule in app.url_map.iter_rules():
        if operation := contract.OPERATIONS.get(app.view_functions[rule.endpoint]):
            yield rule, operation


def _path(rule: Rule) -> str:
    return re.sub(r"<(\w+)>", r"{\1}", rule.rule)


def _operations(examples: Examples, rule: Rule, operation: Operation) -> dict[str, Any]:
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    view = examples.app.view_functions[rule.endpoint]
    summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
    found: dict[str, Any] = {
        "operationId": view.__name__,
        "tags": [operation.tag],
        "summary": summary.rstrip("."),
        "description": " ".join(description.split()),
        "parameters": _parameters(operation),
        "responses": _responses(examples, method, rule, operation),
    }
    if operation.tag == contract.CART:
        found["security"] = [{}, *({name: []} for name in SECURITY_SCHEMES)]
    if operation.body:
        body = {"schema": operation.body, "example": _values(operation.body)}
        found["requestBody"] = {"required": True, "content": {"application/json": body}}
    found = {name: value for name, value in found.items() if value}
    if operation.tag != contract.CATALOGUE:
        return {method.lower(): found}
    return {"get": found, "head": _head(deepcopy(found))}  # apispec changes what it is given


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


def _responses(examples: Examples, method: str, rule: Rule, operation: Operation) -> dict[str, Any]:
    found = {str(answer.status): _response(examples, method, rule, operation, answer) for answer in operation.answers}
    for status in sorted({problem.status for problem in operation.problems}):
        problems = [problem for problem in operation.problems if problem.status == status]
        content = found.get(str(status), {}).get("content", {})
        response = _problem_response(problems, " ".join(str(problem.__doc__) for problem in problems))
        found[str(status)] = response | {"content": content | response["content"]}
    return found | {"default": "Other"}


def _response(examples: Examples, method: str, rule: Rule, operation: Operation, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.meaning, "headers": _headers(answer.headers)}
    if answer.body is None:
        return found
    content: dict[str, Any] = {"schema": _body(answer.body)}
    shown = {
        name: {"value": _answered(examples, method, rule, operation, answer, given)}
        for name, given in operation.examples.items()
    }
    if "" in shown:
        content["example"] = shown[""]["value"]
    elif shown:
        content["examples"] = shown
    return found | {"content": {answer.media_type: content}}


def _answered(examples: Examples, method: str, rule: Rule, operation: Operation, answer: Answer, given: Any) -> Any:
    """What the application answers to an example."""
    path, query, body = (
        _values(schema) | {name: value for name, value in given.items() if schema and name in schema().fields}
        for schema in (operation.path, operation.query, operation.body)
    )
    address = _path(rule).format(**path)
    asked = urlencode({name: value for name, value in query.items() if value is not None}, safe=",")
    response = examples.answer(method, f"{address}?{asked}" if asked else address, body or None, answer.status)
    return response.json if response.is_json else response.text


def _values(schema: Any) -> dict[str, Any]:
    fields = schema().fields if schema else {}
    return {name: one.metadata["example"] for name, one in fields.items() if "example" in one.metadata}


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
    beside = {"example": schema["example"]} if "example" in schema else {}
    return {"description": meaning, "schema": {n: v for n, v in schema.items() if n != "example"}, **beside}


def _beside_the_schema(_converter: Any, _field: Any, *, ret: dict[str, Any]) -> dict[str, Any]:
    """An example is of the parameter; several values are separated by commas."""
    schema = ret["schema"]
    found = {"example": schema.pop("example")} if "example" in schema else {}
    return found | ({"style": "form", "explode": False} if schema.get("type") == "array" else {})
