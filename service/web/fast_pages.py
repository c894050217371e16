"""Reads of products' pages on the fast path: documents of many pages in one look-up, then summaries in one."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import cast

from service import deadline, timing
from service.catalogue import Document
from service.catalogue.cached import CachedCatalogue
from service.catalogue.page import Page, worst
from service.errors import RedisUnavailable, ServiceError, Unavailable, UnknownProduct
from service.metrics import Metrics
from service.metrics.counting import Request
from service.metrics.series import ERROR
from service.timing import Waits
from service.web import encodings, page_read, raw
from service.web.fast_reads import FORMS
from service.web.page_read import RULE, PageRead
from service.web.request_log import RequestLog
from service.worker.fast_path import Response, Stage

# In one batch: some eight documents each.
_MOST_LOOKED_UP = 64
_MOST_LOADED = 16
_MOST_WAITING_FOR_LOADS = 512


class FastPages:
    """Answers reads of pages. ``origins`` finishes the responses, ``log`` notes the slow ones.

    A stage makes both look-ups, the second with what the first has found. What is missing after either is loaded by
    another.
    """

    def __init__(
        self,
        catalogue: CachedCatalogue,
        metrics: Metrics,
        origins: raw.Origins,
        log: RequestLog,
        deadline_seconds: float,
    ) -> None:
        self._catalogue = catalogue
        self._traffic = metrics.loop_traffic
        self._origins = origins
        self._log = log
        self._deadline_seconds = deadline_seconds
        self.stages = {
            page_read.LOOK_UP: Stage(self._look_up, _MOST_LOOKED_UP, sys.maxsize),
            page_read.LOAD: Stage(self._load, _MOST_LOADED, _MOST_WAITING_FOR_LOADS, in_flight=2),
        }

    async def _look_up(self, requests: Sequence[PageRead], common: Callable[[], bytes]) -> Sequence[Response]:
        """Complete pages; the stage that loads for all others."""
        waits = timing.begin()
        await self._find([request for request in requests if not request.own])
        await self._find([request for request in requests if request.needs_summaries()])
        waits.ended = time.perf_counter()
        return self._answered(requests, common(), waits)

    async def _find(self, requests: Sequence[PageRead]) -> None:
        """Look up the documents at the ``keys`` of these, all at once."""
        if not (keys := [key for request in requests for key in request.keys]):
            return
        began = time.perf_counter()
        found: Sequence[Document | None]
        try:
            found = await self._catalogue.look_up(keys)
        except RedisUnavailable:
            found = [None] * len(keys)
        else:
            self._traffic.look_ups.observe(time.perf_counter() - began)
            self._traffic.count_documents(zip(keys, found, strict=True))
        end = 0
        for request in requests:
            start, end = end, end + len(request.keys)
            request.found = found[start:end]

    async def _load(self, requests: Sequence[PageRead], common: Callable[[], bytes]) -> Sequence[Response]:
        """The same with what is missing, by one query for each kind; 503 for all when the first has waited too long."""
        waits = timing.begin()
        seconds_left = self._deadline_seconds - (waits.began - requests[0].arrived)
        missing = {key for one in requests for key, found in zip(one.keys, one.found, strict=True) if found is None}
        try:
            with deadline.within(seconds_left):
                loaded = await self._catalogue.load(missing)
        except Unavailable as error:
            answers = [self.problem(request, error, common()) for request in requests]
            self._log.batch_answered(requests, answers, waits, is_failed=True)
            return answers
        waits.ended = time.perf_counter()
        self._traffic.count_documents(loaded.items())
        for request in requests:
            together = zip(request.keys, request.found, strict=True)
            request.found = [loaded[key] if found is None else found for key, found in together]
        return self._answered(requests, common(), waits)

    def _answered(self, requests: Sequence[PageRead], common: bytes, waits: Waits) -> Sequence[Response]:
        began: dict[tuple[bytes, int, str], list[float]] = defaultdict(list)
        answers = [self._answer(request, common, began) for request in requests]
        for (method, status, outcome), times in began.items():
            self._traffic.requests.answered(Request(RULE, method.decode(), status, outcome), times)
        self._log.batch_answered(requests, answers, waits)
        for request, answer in zip(requests, answers, strict=True):
            if answer is request:
                request.looked_up = waits.after(request.looked_up)
        return answers

    def _answer(
        self, request: PageRead, common: bytes, began: dict[tuple[bytes, int, str], list[float]]
    ) -> bytes | PageRead:
        """The response where all is found, counted in ``began``; else the request for its next stage."""
        if None in request.found:
            request.stage = page_read.LOAD
            return request
        found = cast("Sequence[Document]", request.found)
        if not request.own:
            if request.needs_summaries():
                request.stage = page_read.LOOK_UP
                return request
            if not request.own:
                return self.problem(request, UnknownProduct(), common, worst({one[4] for one in found}))
            found = ()
        page = Page.of(request.product_id, request.own, found)
        status, response = _response(request, page, common)
        began[request.method, status, page.outcome].append(request.arrived)
        return self._origins.finish(response, request.origin)

    def problem(self, request: PageRead, error: ServiceError, common: bytes, outcome: str = ERROR) -> bytes:
        """The response to a request that failed, counted."""
        answered = Request(RULE, request.method.decode(), error.status, outcome)
        self._traffic.requests.answered(answered, [request.arrived])
        path, has_body = f"/products/{request.product_id}/page", request.method == b"GET"
        return self._origins.finish(
            raw.problem(error, path, request.request_id, common, has_body=has_body), request.origin
        )


def _response(request: PageRead, page: Page, common: bytes) -> tuple[int, bytes]:
    """Its status, and all of it."""
    whole, not_modified = FORMS[page.is_gzipped, request.accepts_gzip]
    etag, outcome = page.etag.encode(), page.outcome.encode()
    if request.known is not None and encodings.is_known_by(request.known, page.etag):
        return 304, not_modified % (common, etag, outcome, request.request_id)
    body = page.gzipped() if page.is_gzipped and request.accepts_gzip else page.plain()
    head = common, etag, outcome, len(body), request.request_id
    return 200, whole % (*head, body if request.method == b"GET" else b"")
