"""For operators: liveness, readiness and metrics."""

from __future__ import annotations

from math import nan

from flask import Blueprint, Response

from service.cache.keys import PROBE, SILENT_LISTENERS
from service.coroutines import block_on
from service.errors import Unavailable
from service.metrics import exposition
from service.postgres import Call, Statement
from service.web import contract, requests, resources, responses
from service.web.contract import Answer, Operation
from service.web.contract.states import Liveness, Readiness
from service.web.schemas import HistoryQuery

ops = Blueprint("ops", __name__)

_PROBE = Statement("probe", "SELECT 1")
_STATE = ["Cache-Control"]


@ops.get("/livez")
@contract.describe(Operation(contract.OPERATION, [Answer(200, "Alive", Liveness, _STATE)]))
def live() -> Response:
    """Liveness.

    The process responds; its dependencies are not checked.
    """
    return responses.state(200, {"status": "ok"})


@ops.get("/readyz")
@contract.describe(
    Operation(
        contract.OPERATION,
        [Answer(200, "Ready: ok or degraded", Readiness, _STATE), Answer(503, "Not ready", Readiness, _STATE)],
        [Unavailable],
    )
)
def ready() -> Response:
    """Readiness, with each dependency by name.

    Without Postgres not ready; without Redis slower, but ready. Redis is `bypassed` while it responds but its circuit
    breaker is open: that closes with the first read after Redis has caught up.
    """
    parts = {"postgres": _postgres(), "redis": _redis()}
    breakers = {"redis": "open" if resources().catalogue.cache_is_down else "closed"}
    down = parts["postgres"] == "down"
    status = "unavailable" if down else "ok" if parts["redis"] == "ok" else "degraded"
    return responses.state(503 if down else 200, {"status": status, "parts": parts, "breakers": breakers})


@ops.get("/metrics")
def metrics() -> Response:
    """The metrics of this instance, for Prometheus. nginx does not expose them."""
    text = exposition.text(
        resources().metrics, outbox_oldest_seconds=_outbox_lag_seconds(), silent_listeners=_silent_listeners()
    )
    return Response(text, content_type=exposition.CONTENT_TYPE, headers={"Cache-Control": "no-store"})


@ops.get("/metrics/history")
def history() -> Response:
    """The last hour of this instance, a row each second; see ``exposition.history``. nginx does not expose it."""
    rows = exposition.history(resources().metrics, requests.query(HistoryQuery)["since"])
    return Response(rows, content_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def _outbox_lag_seconds() -> float:
    try:
        return block_on(resources().database.outbox_lag_seconds())
    except Unavailable:
        return nan


def _silent_listeners() -> float:
    try:
        (count,) = block_on(resources().redis.get([SILENT_LISTENERS])).stored
    except Unavailable:
        return nan
    return int(count or 0)


def _postgres() -> str:
    try:
        block_on(resources().postgres.run(Call(_PROBE)))
    except Unavailable:
        return "down"
    return "ok"


def _redis() -> str:
    try:
        block_on(resources().redis.get([PROBE]))
    except Unavailable:
        return "down"
    return "bypassed" if resources().catalogue.cache_is_down else "ok"
