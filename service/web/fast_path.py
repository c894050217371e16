"""The fast path before the application: plain reads of documents and pages and plain additions to carts, in batches.

It asks the same catalogue and carts as Flask's views and sends the same headers, which a test compares; see
``service.worker.fast_path``.
"""

from __future__ import annotations

import time
from typing import Any

from service import logs
from service.errors import ServiceError, Unavailable
from service.metrics.counting import Request
from service.nginx_conf import networks
from service.resources import Resources
from service.settings import Settings
from service.timing import Waits
from service.web import error_handlers, raw, read_matching
from service.web.addition_matching import AdditionMatcher, AdditionRequest
from service.web.fast_additions import FastAdditions
from service.web.fast_pages import FastPages
from service.web.fast_reads import FastReads
from service.web.page_read import PageRead
from service.web.read_matching import Read
from service.web.request_log import RequestLog


class ApplicationFastPath:
    """All three over ``parts``, the dependencies of the application, with its ``log``."""

    def __init__(self, parts: Resources, settings: Settings, log: RequestLog) -> None:
        origins = raw.Origins(settings.cors_origins)
        seconds = settings.postgres_timeout_seconds
        self._reads = FastReads(parts.fast_catalogue, parts.metrics, origins, log, seconds)
        self._pages = FastPages(parts.fast_catalogue, parts.metrics, origins, log, seconds)
        self._additions = FastAdditions(parts.fast_additions, parts.metrics, origins, log, seconds)
        believed = networks("FORWARDED_ALLOW_IPS", settings.forwarded_allow_ips)
        by_authorization = settings.cart_by_authorization
        self._matcher = AdditionMatcher(parts.tokens, origins, believed, is_by_authorization=by_authorization)
        self._requests = parts.metrics.loop_traffic.requests
        self.stages = {**self._reads.stages, **self._pages.stages, **self._additions.stages}
        self._log, self.taken = log, log.taken

    def match(self, received: bytes, client: Any) -> Read | PageRead | AdditionRequest | None:
        """A read, of a document or of a page, or an addition; None if it is none of them for certain."""
        return read_matching.match(received) or self._matcher.match(received, client)

    def overloaded(self, request: Read | PageRead | AdditionRequest, common: bytes) -> bytes:
        """Too many wait for the database."""
        response = self._unavailable(request, common)
        self._log.batch_answered([request], [response], Waits(), is_failed=True)
        return response

    def _unavailable(self, request: Read | PageRead | AdditionRequest, common: bytes) -> bytes:
        if isinstance(request, Read):
            return self._reads.problem(request, Unavailable(), common)
        if isinstance(request, PageRead):
            return self._pages.problem(request, Unavailable(), common)
        return self._additions.problem(request, Unavailable(), common)

    def malformed(self, status: int, common: bytes) -> bytes:
        """A request that gunicorn cannot parse."""
        error = error_handlers.BY_STATUS.get(status, ServiceError)()
        self._requests.answered(Request("unknown", "other", status, path="slow"), [time.perf_counter()])
        return raw.problem(error, "", logs.new_request_id(), common)
