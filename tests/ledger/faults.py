"""What is done to the service while clients write. Each fault is over when its function returns."""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import process_faults
from tests.chaos.proxy import FaultProxy
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import POSTGRES_TIMEOUT_SECONDS, Service

_KILLS = 3
_CUT_SECONDS = 0.3
_PAUSED_SECONDS = 1.0
_HUNG_SECONDS = 1.5 * POSTGRES_TIMEOUT_SECONDS


@dataclass
class Stack:
    """The service, with ``front`` between clients and nginx."""

    service: Service
    front: FaultProxy


def worker_killed(stack: Stack) -> None:
    """Some times, as few requests are just then between their COMMIT and their answer."""
    for _ in range(_KILLS):
        with process_faults.worker_killed(stack.service):
            pass
        wait_until(lambda: set(stack.service.states()) == {"ok"})


def instances_restarted(stack: Stack) -> None:
    with process_faults.instances_restarted(stack.service):
        pass


def postgres_shut_down_at_once(stack: Stack) -> None:
    """It forgets whatever is not in its log on disk, and recovers from that."""
    postgres = stack.service.postgres
    os.kill(postgres.pid, signal.SIGQUIT)
    wait_until(lambda: not postgres.alive())
    postgres.start()


def postgres_hung(stack: Stack) -> None:
    """What it was sent meanwhile takes effect when it goes on, though the clients were told that it was late."""
    stack.service.postgres.pause()
    time.sleep(_HUNG_SECONDS)
    stack.service.postgres.resume()


def postgres_cut_off(stack: Stack) -> None:
    assert stack.service.postgres_proxy
    _cut(stack.service.postgres_proxy)


def clients_cut_off(stack: Stack) -> None:
    _cut(stack.front)


def instance_hung(stack: Stack) -> None:
    instance = random.choice(stack.service.instances)
    instance.pause()
    time.sleep(_PAUSED_SECONDS)
    instance.resume()


def _cut(proxy: FaultProxy) -> None:
    proxy.cut()
    time.sleep(_CUT_SECONDS)
    proxy.heal()


FAULTS: dict[str, Callable[[Stack], None]] = {
    "workers killed (-9), three": worker_killed,
    "Postgres shut down immediate": postgres_shut_down_at_once,
    "instance hung (SIGSTOP)": instance_hung,
    "Postgres hung (SIGSTOP)": postgres_hung,
    "Postgres cut off": postgres_cut_off,
    "clients cut off": clients_cut_off,
    "instances restarted one by one": instances_restarted,
}
