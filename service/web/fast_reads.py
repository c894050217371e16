"""Reads of documents on the fast path: many at once, from the catalogue, with the headers that Flask sends."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Sequence

from service import deadline, timing
from service.cache.compression import decompress
from service.catalogue import Document, Kind
from service.catalogue.cached import CachedCatalogue
from service.errors import RedisUnavailable, ServiceError, Unavailable, UnknownProduct
from service.metrics import Metrics
from service.metrics.counting import Request
from service.metrics.series import ERROR
from service.timing import Waits
from service.web import encodings, raw, read_matching, responses
from service.web.read_matching import RULES, SUFFIXES, Read
from service.web.request_log import RequestLog
from service.web.responses import Headers
from service.worker.fast_path import Response, Stage

# In one batch. The loop does nothing else while it takes in what was found.
_MOST_LOOKED_UP = 256
_MOST_LOADED = {Kind.PRODUCT: 128, Kind.STYLES: 16, Kind.RELATED: 128}
_MOST_WAITING_FOR_LOADS = 512

_LANES = [f"{read_matching.LOOK_UP}-{number}" for number in range(8)]


class FastReads:
    """Answers reads of documents. ``origins`` finishes the responses, ``log`` notes the slow ones.

    The first stage looks them up in the cache, or has a stage do so for each of its servers. Misses go on to the stage
    of their kind, so that a locked table holds up only the kinds that need it.
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
        look_up = Stage(self._look_up, _MOST_LOOKED_UP, sys.maxsize)
        self.stages = {
            read_matching.LOOK_UP: look_up,
            **{
                kind.value: Stage(self._load, most, _MOST_WAITING_FOR_LOADS, in_flight=2)
                for kind, most in _MOST_LOADED.items()
            },
        }
        if catalogue.has_lanes:
            self.stages[read_matching.LOOK_UP] = Stage(self._to_lanes, _MOST_LOOKED_UP, sys.maxsize)
            self.stages |= dict.fromkeys(_LANES, look_up)

    async def _to_lanes(self, requests: Sequence[Read], common: Callable[[], bytes]) -> Sequence[Response]:
        """The stage of each request's own server: who waits for one that hangs holds up nobody else."""
        lane = self._catalogue.lane
        return [request.to(_LANES[lane(request.key) % len(_LANES)]) for request in requests]

    async def _look_up(self, requests: Sequence[Read], common: Callable[[], bytes]) -> Sequence[Response]:
        """Hits; the next stage for misses, and for all while the cache cannot be asked."""
        waits = timing.begin()
        try:
            found = await self._catalogue.look_up([request.key for request in requests])
        except RedisUnavailable:
            waits.ended = time.perf_counter()
            return [request.to_load(waits) for request in requests]
        waits.ended = time.perf_counter()
        self._traffic.look_ups.observe(waits.ended - waits.began)
        answers = self._answers(requests, found, common(), waits)
        self._log.batch_answered(requests, answers, waits)
        return answers

    async def _load(self, requests: Sequence[Read], common: Callable[[], bytes]) -> Sequence[Response]:
        """Misses, by one query; 503 for all when the first has waited as long as it may."""
        waits, is_failed = timing.begin(), False
        seconds_left = self._deadline_seconds - (waits.began - requests[0].arrived)
        answers: Sequence[Response]
        try:
            with deadline.within(seconds_left):
                documents = await self._catalogue.load({request.key for request in requests})
        except Unavailable as error:
            is_failed, answers = True, [self.problem(request, error, common()) for request in requests]
        else:
            answers = self._answers(requests, [documents[request.key] for request in requests], common(), waits)
        self._log.batch_answered(requests, answers, waits, is_failed=is_failed)
        return answers

    def _answers(
        self, requests: Sequence[Read], found: Sequence[Document | None], common: bytes, waits: Waits
    ) -> Sequence[Response]:
        answers: list[Response] = []
        finish = self._origins.finish if self._origins.are_listed else None
        began: dict[tuple[Kind, bytes, int, str], list[float]] = {}
        for request, document in zip(requests, found, strict=True):
            if document is None:
                answers.append(request.to_load(waits))
                continue
            method, (kind, _), known, request_id, arrived, origin, accepts_gzip, _, _, _ = request
            body, etag, _, _, outcome, is_gzipped = document
            if body is None:
                answers.append(self.problem(request, UnknownProduct(), common, outcome))
                continue
            whole, not_modified = FORMS[is_gzipped, accepts_gzip]
            if known is not None and encodings.is_known_by(known, etag):
                status = 304
                response = not_modified % (common, etag.encode(), outcome.encode(), request_id)
            else:
                status = 200
                if is_gzipped and not accepts_gzip:
                    body = decompress(body)
                head = common, etag.encode(), outcome.encode(), len(body), request_id
                response = whole % (*head, body if method == b"GET" else b"")
            answers.append(finish(response, origin) if finish else response)
            if (times := began.get((kind, method, status, outcome))) is None:
                times = began[kind, method, status, outcome] = []
            times.append(arrived)
        for (kind, method, status, outcome), times in began.items():
            self._traffic.requests.answered(_counted_as(kind, method, status, outcome), times)
        return answers

    def problem(self, request: Read, error: ServiceError, common: bytes, outcome: str = ERROR) -> bytes:
        """The response to a request that failed, counted."""
        kind, product_id = request.key
        self._traffic.requests.answered(_counted_as(kind, request.method, error.status, outcome), [request.arrived])
        path, has_body = f"/products/{product_id}{SUFFIXES[kind]}", request.method == b"GET"
        return self._origins.finish(
            raw.problem(error, path, request.request_id, common, has_body=has_body), request.origin
        )


@functools.cache
def _counted_as(kind: Kind, method: bytes, status: int, outcome: str) -> Request:
    return Request(RULES[kind], method.decode(), status, outcome, kind=kind)


def _form(etag: str, *, of_both: Headers, of_whole: Headers) -> tuple[bytes, bytes]:
    """A document's answers in one form, 200 and 304, to be filled in."""
    read, request_id = [*responses.read_headers(etag, "%b"), *of_both], ("X-Request-Id", "%b")
    entity = [("Content-Type", responses.JSON), ("Content-Length", "%d"), *of_whole]
    return raw.template(200, [*read, *entity, request_id]) + b"%b", raw.template(304, [*read, request_id])


_SMALL = _form("%b", of_both=[], of_whole=[])
_PLAIN = _form("%b", of_both=responses.OF_BOTH_FORMS, of_whole=[])
_AS_STORED = _form(encodings.gzipped_etag("%b"), of_both=responses.OF_BOTH_FORMS, of_whole=responses.OF_GZIPPED)
FORMS = {(False, False): _SMALL, (False, True): _SMALL, (True, False): _PLAIN, (True, True): _AS_STORED}
"""Responses, 200 and 304, by whether the document is stored gzipped, and whether the caller accepts that."""
