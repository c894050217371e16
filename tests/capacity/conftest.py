from contextlib import ExitStack

import pytest

from deploy.capacity.stack import Stack
from deploy.local.instances import Instance, Process
from deploy.openapi.examples import fill

COUNTS = (1, 2, 4)


@pytest.fixture
def stacks(postgres_server, redis_server, database_url, redis_url, nginx_server, free_port, tmp_path):
    """By its number of instances: an nginx for each, before the first ones of four, and the same stores."""
    fill(database_url, tmp_path / "catalogue")
    settings = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CART_SECRET": "only for these tests",
        "REDIS_TIMEOUT_SECONDS": "2",  # a busy machine is no defect
        "COVERAGE_PROCESS_CONFIG": "",  # it would be measured too
    }
    log = tmp_path / "parts.log"
    instances = [Instance(free_port(f"capacity {n}"), log, settings, f"web {n}") for n in range(max(COUNTS))]
    invalidator = Process("invalidator", log, settings)
    with ExitStack() as ending:
        for part in (*instances, invalidator):
            ending.callback(part.kill)
            part.launch()
        for part in instances:
            part.wait_until_ready()

        def of(count: int) -> Stack:
            addresses = [each.address for each in instances[:count]]
            nginx = nginx_server(*addresses, rate=0, cart_rate=0)
            roots = {
                "nginx": [nginx.pid],
                "instance": [each.pid for each in instances[:count]],
                "redis": [redis_server.pid],
                "postgres": [postgres_server.pid],
                "invalidator": [invalidator.pid],
            }
            return Stack(nginx.address, addresses, roots, redis_url, database_url)

        yield {count: of(count) for count in COUNTS}
