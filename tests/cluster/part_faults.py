"""One process of a cluster is killed, or hangs. Each says how it was noticed, or was no fault."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from deploy.local.processes import Child, StackError
from tests.chaos import demands
from tests.chaos.faults import A_WHILE, Fault, Form
from tests.chaos.waits import wait_until
from tests.cluster.operator import promote_another
from tests.cluster.service_under_test import ClusterService
from tests.cluster.traffic import through_any_nginx

Strike = Callable[[ClusterService], AbstractContextManager[Any]]

WANTED = "reads: 0 failed"
SECONDS = {**A_WHILE, Form.LONG: 6.0}
# A reader may wait for an nginx, and then for an instance, that are silent.
DEMANDS = (demands.every_read_is_answered, demands.all_within(12.0))


class Part(NamedTuple):
    """A kind of process: which one is to fail, and how others notice, given it and what ``before`` gave."""

    name: str
    choose: Callable[[ClusterService], Any]
    is_noticed: Callable[[ClusterService, Any, Any], bool]
    before: Callable[[ClusterService], Any] = lambda service: None


def row(name: str, strike: Strike, back_seconds: float, wanted: str = WANTED, **options: Any) -> Fault:
    """A row with what is demanded of all; how everything became whole again is part of the time to recover."""
    asked = (*DEMANDS, demands.back_within(back_seconds))
    return Fault(name, wanted, strike, asked, **{"seconds": SECONDS, "readers": through_any_nginx, **options})


def killed(part: Part) -> Strike:
    return _struck(part, lambda chosen: chosen.kill(), lambda chosen: chosen.start())


def hung(part: Part) -> Strike:
    return _struck(part, lambda chosen: chosen.pause(), lambda chosen: chosen.resume())


def _struck(part: Part, begin: Callable[[Any], None], end: Callable[[Any], None]) -> Strike:
    @contextmanager
    def strike(service: ClusterService) -> Iterator[None]:
        chosen, before = part.choose(service), part.before(service)
        begin(chosen)
        try:
            wait_until(lambda: part.is_noticed(service, chosen, before))
            yield
        finally:
            end(chosen)

    return strike


@contextmanager
def primary_killed(service: ClusterService) -> Iterator[None]:
    primary = service.primary()
    primary.kill()
    promote_another(service, primary)
    yield
    primary.copy_anew()


@contextmanager
def primary_hung(service: ClusterService) -> Iterator[None]:
    primary = service.primary()
    primary.pause()
    promote_another(service, primary)
    yield
    primary.copy_anew()


def _does_not_answer(_service: ClusterService, part: Child, _before: object) -> bool:
    try:
        part.probe()
    except (OSError, StackError):
        return True
    return False


def _is_replaced(service: ClusterService, node: Any, _before: object) -> bool:
    """Another node has its slots."""
    return len([each for each in service.masters() if each is not node]) == _masters(service)


def _masters(service: ClusterService) -> int:
    return len(service.cluster.valkey) // 2


def silent_invalidators(service: ClusterService) -> int:
    """How many of them do not answer their primary, or are not connected, though it has work for them."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'overview invalidator'"
        " AND clock_timestamp() - state_change < interval '2 s'"
    )
    ((working,),) = service.sql(query)
    return len(service.cluster.invalidators) - working


NGINX = Part(
    "nginx",
    lambda service: random.choice(service.cluster.nginx),
    lambda service, _, before: len(service.gave_up) > before,
    lambda service: len(service.gave_up),
)
INSTANCE = Part(
    "instance",
    lambda service: random.choice(service.instances),
    lambda service, _, before: service.tried_twice() > before,
    lambda service: service.tried_twice(),
)
INVALIDATOR = Part(
    "invalidator",
    lambda service: random.choice(service.cluster.invalidators),
    lambda service, *_: silent_invalidators(service) > 0,
)
MASTER = Part("Valkey master", lambda service: service.masters()[0], _is_replaced)
REPLICA = Part(
    "Valkey replica",
    lambda service: service.replica_of(service.masters()[0]),
    lambda service, node, _: service.is_missed(node),
)
STANDBY = Part(
    "Postgres replica",
    lambda service: service.standbys()[0],
    lambda service, *_: service.primary().standbys() == len(service.cluster.postgres) - 2,
)
WATCH = Part("watch process", lambda service: service.cluster.watch, _does_not_answer)

PARTS = (NGINX, INSTANCE, INVALIDATOR, MASTER, REPLICA, STANDBY, WATCH)
ROWS = (
    *(row(f"{part.name} killed (-9)", killed(part), 3.0) for part in PARTS),
    *(row(f"{part.name} hung (SIGSTOP)", hung(part), 7.0) for part in PARTS),
    row("Postgres primary killed (-9), a replica is promoted", primary_killed, 3.0),
    row("Postgres primary hung (SIGSTOP), a replica is promoted", primary_hung, 3.0),
)
