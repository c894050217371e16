"""Coroutines of the service as functions that block."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from service.coroutines import Work, block_on

P = ParamSpec("P")
T = TypeVar("T")


def blocking(function: Callable[P, Work[T]]) -> Callable[P, T]:
    """The same function, which returns when its coroutine has ended."""
    return lambda *arguments, **named: block_on(function(*arguments, **named))
