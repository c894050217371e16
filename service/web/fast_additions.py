"""Additions to carts on the fast path: many in one transaction, with the headers that Flask sends."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from service import deadline, timing
from service.cart.additions import Additions
from service.errors import ServiceError
from service.metrics import Metrics
from service.metrics.counting import Request
from service.web import cart, raw, responses
from service.web.addition_matching import ADDITIONS, AdditionRequest
from service.web.request_log import RequestLog
from service.worker.fast_path import Response, Stage

_MADE = Request("/cart", "POST", 201)
_MOST_IN_BATCH = 128
_MOST_WAITING = 1024


class FastAdditions:
    """Answers plain ``POST /cart``. ``origins`` finishes the responses, ``log`` notes the slow ones."""

    def __init__(
        self,
        additions: Additions,
        metrics: Metrics,
        origins: raw.Origins,
        log: RequestLog,
        deadline_seconds: float,
    ) -> None:
        self._additions = additions
        self._counted = metrics.loop_traffic.requests
        self._origins = origins
        self._log = log
        self._deadline_seconds = deadline_seconds
        self.stages = {ADDITIONS: Stage(self._add, _MOST_IN_BATCH, _MOST_WAITING)}

    async def _add(self, requests: Sequence[AdditionRequest], common: Callable[[], bytes]) -> Sequence[Response]:
        """All of them, by one transaction; 503 for all when the first has waited as long as it may."""
        waits = timing.begin()
        seconds_left = self._deadline_seconds - (waits.began - requests[0].arrived)
        with deadline.within(seconds_left):
            outcomes = await self._additions.add([request.addition for request in requests])
        lines = common()
        made = [one.arrived for one, (refusal, _) in zip(requests, outcomes, strict=True) if refusal is None]
        if made:
            self._counted.answered(_MADE, made)
        answers = [
            self._created(request, is_replayed, lines) if refusal is None else self.problem(request, refusal, lines)
            for request, (refusal, is_replayed) in zip(requests, outcomes, strict=True)
        ]
        is_failed = any(refusal is not None and refusal.status >= 500 for refusal, _ in outcomes)
        self._log.batch_answered(requests, answers, waits, is_failed=is_failed)
        return answers

    def _created(self, request: AdditionRequest, is_replayed: bool, common: bytes) -> bytes:
        _, token, request_id, _, origin, is_secure, *_ = request
        form = _CREATED[is_replayed, self._origins.may_send_credentials(origin), is_secure]
        encoded = token.encode()
        return self._origins.finish(form % (common, encoded, encoded, request_id), origin)

    def problem(self, request: AdditionRequest, error: ServiceError, common: bytes) -> bytes:
        """The response to a request that failed, counted."""
        self._counted.answered(Request("/cart", "POST", error.status), [request.arrived])
        return self._origins.finish(raw.problem(error, "/cart", request.request_id, common), request.origin)


def _created(*, is_replayed: bool, may_send_credentials: bool, is_secure: bool) -> bytes:
    """The response to an addition that was made, to be filled in."""
    cookie = cart.cookie("TOKEN", may_send_credentials=may_send_credentials, is_secure=is_secure)
    headers = [
        *responses.created_headers(is_replayed=is_replayed),
        ("Content-Type", responses.TEXT),
        ("Content-Length", str(len(responses.CREATED))),
        (cart.HEADER, "%b"),
        ("Set-Cookie", cookie.replace("TOKEN", "%b")),
        ("X-Request-Id", "%b"),
    ]
    return raw.template(201, headers) + responses.CREATED.encode()


_CREATED = {
    flags: _created(is_replayed=flags[0], may_send_credentials=flags[1], is_secure=flags[2])
    for flags in itertools.product((False, True), repeat=3)
}
