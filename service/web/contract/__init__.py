"""What the API says of itself: a view's decorator says what it takes and answers, its docstring what it is for.

``python -m deploy.openapi`` makes openapi.json of it. Nothing here changes what a view does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from service import errors
from service.errors import ServiceError
from service.web.schemas import Part

View = TypeVar("View", bound=Callable[..., Any])
Problems = Sequence[type[ServiceError]]

CATALOGUE, CART, OPERATION = "Catalogue", "Cart", "Operation"
"""The tags, by which the routes are grouped."""

OF_ANY_REQUEST: Problems = (
    errors.NotFound,
    errors.MethodNotAllowed,
    errors.RequestTimeout,
    errors.TooLarge,
    errors.UriTooLong,
    errors.ExpectationFailed,
    errors.TooManyRequests,
    errors.HeadersTooLarge,
    errors.ServiceError,
    errors.UnsupportedTransferCoding,
)
"""What no route has to name."""


@dataclass(frozen=True)
class Answer:
    """A response of a view, with its headers. ``body`` is a marshmallow schema, a list of one, or a JSON schema."""

    status: int
    meaning: str
    body: Any = None
    headers: Sequence[str] = ()
    media_type: str = "application/json"


@dataclass(frozen=True)
class Operation:
    """What a view takes, answers and refuses.

    ``examples`` are requests by name, each as values for parameters: those not named have the example of their field.
    """

    tag: str
    answers: Sequence[Answer]
    problems: Problems = ()
    path: type[Part] | None = None
    query: type[Part] | None = None
    body: type[Part] | None = None
    headers: Sequence[str] = ()
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"": {}})


OPERATIONS: dict[Callable[..., Any], Operation] = {}
"""By view. What is only for operators, and files of the page of the docs, are not part of the API."""


def describe(operation: Operation) -> Callable[[View], View]:
    """Decorate a view with what it takes and answers."""

    def decorate(view: View) -> View:
        OPERATIONS[view] = operation
        return view

    return decorate


def catalogue(meaning: str, body: Any, headers: Sequence[str], **others: Any) -> Callable[[View], View]:
    """A read of the catalogue; ``headers`` are those that not every read has, ``others`` are of ``Operation``."""
    every = ["ETag", "Cache-Control", "X-Cache", *headers]
    answers = [Answer(200, meaning, body, every), Answer(304, "The client has this; no body", headers=every)]
    problems = [errors.Malformed, *others.pop("problems", ()), errors.Unavailable]
    return describe(Operation(CATALOGUE, answers, problems, headers=["If-None-Match"], **others))


def cart_read(meaning: str, body: Any) -> Callable[[View], View]:
    """A read of the client's cart."""
    every = ["ETag", "Cache-Control", "X-Cache", "Vary"]
    answers = [Answer(200, meaning, body, every), Answer(304, "The client has this; no body", headers=every)]
    problems = [errors.Malformed, errors.Unavailable]
    return describe(Operation(CART, answers, problems, headers=["If-None-Match"]))


TOKEN = ["X-Cart-Token", "Set-Cookie", "Cache-Control"]
"""Headers of a response that hands out the token of the client's cart."""
_DONE = Answer(204, "Done; no body", headers=["Cache-Control"])


def cart_write(answer: Answer = _DONE, *, problems: Problems = (), **others: Any) -> Callable[[View], View]:
    """A write to the client's cart; ``problems`` are those that not every write has."""
    of_body = [errors.TooLarge, errors.UnsupportedMediaType] if "body" in others else []
    every = [errors.Malformed, errors.CrossSite, *of_body, errors.TooManyRequests, errors.Unavailable]
    return describe(Operation(CART, [answer], [*every, *problems], **others))


def page(meaning: str, body: Any, media_type: str) -> Callable[[View], View]:
    """What changes with a release only."""
    every = ["ETag", "Cache-Control"]
    answers = [Answer(200, meaning, body, every, media_type), Answer(304, "The client has this; no body", None, every)]
    return describe(Operation(OPERATION, answers, headers=["If-None-Match"], examples={}))
