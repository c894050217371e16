"""Asks an instance for its history: rows of counts a second, and how it is now."""

from __future__ import annotations

import json
import sys
import time
from array import array
from collections.abc import Mapping, Sequence
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from typing import Any, NamedTuple

from service.watch.connections import connection_to

DEADLINE_SECONDS = 0.3
"""Of all that is asked of one instance at a time."""

_MOST_ROWS = 600  # of one answer
_MOST_BYTES = 4_000_000
_CHUNK_BYTES = 65536

Listed = Sequence[tuple[str, int, float]]
"""Documents by kind and product, with their requests a minute."""


class Silent(Exception):
    """An instance did not answer in time, or with something else than a history."""


class Report(NamedTuple):
    """An instance's answer. A row is the second, and the count of each of ``series`` at its end since ``started``.

    ``incarnation`` is another each time the instance starts, ``worker`` the id of its process that answered.
    """

    incarnation: str
    started: float
    worker: int
    version: str
    series: tuple[str, ...]
    gauges: Mapping[str, float | None]
    hottest: Listed
    missed: Listed
    rows: Sequence[array[int]]


def ask(instance: str, since: int) -> Report:
    """The rows after the second ``since`` that an instance has, in as many answers as the deadline allows.

    Raises Silent if there is not even one answer in time.
    """
    until = time.monotonic() + DEADLINE_SECONDS
    first = newest = _answer(instance, since, until)
    rows = list(first.rows)
    while len(newest.rows) == _MOST_ROWS:
        try:
            newest = _answer(instance, rows[-1][0], until)
        except Silent:  # what is missing comes next time
            break
        if newest.incarnation != first.incarnation:  # nor do counts of two starts belong in one report
            break
        rows += newest.rows
    return first._replace(rows=rows)


def _answer(instance: str, since: int, until: float) -> Report:
    if (left := until - time.monotonic()) <= 0:
        raise Silent
    try:
        with closing(connection_to(instance, left)) as connection:
            connection.request("GET", f"/metrics/history?since={since}")
            response = connection.getresponse()
            if response.status != 200:
                raise Silent
            return parse(_body(response, until))
    except (HTTPException, OSError, ValueError, TypeError, KeyError) as error:
        raise Silent from error


def _body(response: HTTPResponse, until: float) -> bytes:
    """All of it, in time however slowly it comes."""
    chunks, size = [], 0
    while chunk := response.read1(_CHUNK_BYTES):
        size += len(chunk)
        if size > _MOST_BYTES or time.monotonic() > until:
            raise Silent
        chunks.append(chunk)
    return b"".join(chunks)


def parse(body: bytes) -> Report:
    """The report in an instance's answer. Raises ValueError, TypeError or KeyError for anything else."""
    line, _, packed = body.partition(b"\n")
    said: dict[str, Any] = json.loads(line)
    series = tuple(map(str, said["series"]))
    width = 1 + len(series)
    words = array("Q")
    words.frombytes(packed)
    if sys.byteorder == "big":
        words.byteswap()
    if len(words) != said["rows"] * width:
        raise ValueError("another length than it says")
    return Report(
        incarnation=str(said["incarnation"]),
        started=float(said["started"]),
        worker=int(said["worker"]),
        version=str(said["version"]),
        series=series,
        gauges={str(name): value for name, value in dict(said["gauges"]).items()},
        hottest=_listed(said["hottest"]),
        missed=_listed(said["missed"]),
        rows=[words[first : first + width] for first in range(0, len(words), width)],
    )


def _listed(said: Sequence[Sequence[Any]]) -> Listed:
    return [(str(kind), int(product_id), float(per_minute)) for kind, product_id, per_minute in said]
