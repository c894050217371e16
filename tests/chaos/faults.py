"""What a fault is, and how it is observed: under load, from before it strikes until all is as before."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from typing import Any, NamedTuple

from tests.chaos.demands import Demand, Observed, felt_as, no_hit_was_wrong
from tests.chaos.load import HOT, Answer, Load, Reader, over_http
from tests.e2e.service_under_test import Service

_STEADY_ANSWERS = 100
_TIMEOUT_SECONDS = 20.0


def through_nginx(service: Service) -> AbstractContextManager[Reader]:
    """What nearly every fault is read by."""
    return nullcontext(over_http(service.nginx.address))


class Form(Enum):
    """How thorough an observation is; the value is how often a fault strikes that is over at once."""

    SHORT = 1
    LONG = 5


A_WHILE = {Form.SHORT: 1.0, Form.LONG: 8.0}
OVER_AT_ONCE: Mapping[Form, float] = {}


class Fault(NamedTuple):
    """A row of the matrix.

    ``strike`` makes it and ends it; what it gives are the prices of ``Observed``. ``felt`` is what some reader must be
    told of it. It lasts some ``seconds``, or if it is over at once, the time to recover counts from its beginning.
    """

    name: str
    wanted: str
    strike: Callable[[Service], AbstractContextManager[Any]]
    demands: Sequence[Demand]
    felt: Mapping[str, object] = {}
    seconds: Mapping[Form, float] = A_WHILE
    readers: Callable[[Service], AbstractContextManager[Reader]] = through_nginx

    def complaints(self, observed: Observed) -> list[str]:
        """Whatever is not as wanted."""
        demands = [*self.demands, no_hit_was_wrong, *([felt_as(**self.felt)] if self.felt else [])]
        return [complaint for demand in demands if (complaint := demand(observed))]


def observe(service: Service, fault: Fault, form: Form) -> Observed:
    """Have the fault strike under load. Raises AssertionError if the service is not well before."""
    with fault.readers(service) as reader, Load(reader, service.unread).running() as load:
        _warm(service, load)
        first, backs, prices = time.monotonic(), [], []
        for _ in range(1 if fault.seconds else form.value):
            began = time.monotonic()
            with fault.strike(service) as changed:
                if fault.seconds:
                    _last(load, fault, began, fault.seconds[form])
            ended = time.monotonic() if fault.seconds else began
            backs.append(_back(service, load, ended))
            prices += changed or ()
    back = None if None in backs else max(backs)
    over = ended if fault.seconds else time.monotonic()
    return Observed(load.answers(), first, over, back, prices, service.wrong_hits())


def _warm(service: Service, load: Load) -> None:
    def warm(answers: Sequence[Answer]) -> bool:
        hits = {each.product_id for each in answers if each.said.outcome == "hit"}
        return hits >= set(HOT) and _steady(answers)

    assert load.wait_until(warm, _TIMEOUT_SECONDS), (service.states(), load.answers()[-10:])


def _last(load: Load, fault: Fault, began: float, seconds: float) -> None:
    """Let it last, at least until a reader was told."""

    def felt(answers: Sequence[Answer]) -> bool:
        newest = [each for each in answers[-_STEADY_ANSWERS:] if each.sent >= began]
        return any(fault.felt.items() <= each.said._asdict().items() for each in newest)

    load.wait_until(felt, _TIMEOUT_SECONDS)
    load.wait_until(lambda _: time.monotonic() >= began + seconds, seconds)


def _back(service: Service, load: Load, ended: float) -> float | None:
    """Seconds from ``ended`` until every instance was ready and no reader saw anything of the fault any more."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while set(service.states()) != {"ok"}:
        if time.monotonic() > deadline:
            return None
    ready = time.monotonic()

    def over(answers: Sequence[Answer]) -> bool:
        return _steady([each for each in answers[-_STEADY_ANSWERS:] if each.sent >= ended])

    if not load.wait_until(over, deadline - time.monotonic()):
        return None
    felt = [each.received for each in load.answers() if each.received > ended and not _as_usual(each)]
    return max([ready, *felt]) - ended


def _steady(answers: Sequence[Answer]) -> bool:
    """Whether enough came, hot and cold, and the last of them are as ever."""
    last = answers[-_STEADY_ANSWERS:]
    return len(last) == _STEADY_ANSWERS and any(each.cold for each in last) and all(map(_as_usual, last))


def _as_usual(answer: Answer) -> bool:
    return answer.said.status == 200 and answer.said.outcome != "bypass"
