"""A Postgres in whose place another one comes that has less: what was lost with the first is not served."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos import demands, postgres_faults
from tests.chaos.faults import Fault
from tests.chaos.load import HOT
from tests.chaos.prices import Price, raise_prices
from tests.chaos.waits import wait_until
from tests.e2e.service_under_test import Service


@contextmanager
def failing_over(service: Service) -> Iterator[list[Price]]:
    """A standby that was behind is promoted, and hands out versions that the lost changes had."""
    data = service.postgres.data
    standby = data.with_name("standby")
    service.postgres.stop()
    subprocess.run(["cp", "-a", data, standby], check=True, timeout=20)  # keeps whose it is
    (standby / "recovery.signal").touch()  # it has reached the end of its archive, and promotes itself unasked
    with (standby / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'false'\nhot_standby = off\n")
    service.postgres.start()
    for _ in range(3):
        raise_prices(service, HOT)
    wait_until(lambda: _all_are_told(service) and all(_is_hit(service, product_id) for product_id in HOT))
    service.postgres.stop()
    prices: list[Price] = []
    yield prices
    shutil.rmtree(data)
    standby.rename(data)
    service.postgres.start()
    kept = raise_prices(service, HOT)
    wait_until(lambda: _all_are_told(service))
    told = time.monotonic()
    prices += [(product_id, price, told) for product_id, price, _ in kept]


def _all_are_told(service: Service) -> bool:
    return service.sql("SELECT count(*) FROM catalogue_outbox") == [(0,)]


def _is_hit(service: Service, product_id: int) -> bool:
    paths = f"/products/{product_id}", f"/products/{product_id}/page"
    return all(service.get(path)[1]["x-cache"] == "hit" for path in paths)


DIRECT = (
    Fault(
        "Postgres fails over and loses commits",
        "nothing that was lost is served; hits answered",
        failing_over,
        (*postgres_faults.DEMANDS[:3], demands.nothing_old_is_read, demands.back_within(3.0)),
        postgres_faults.REFUSED,
    ),
)
