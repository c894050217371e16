"""Every fault, by the stack that it needs: stores asked directly, or through proxies."""

from tests.chaos import (
    clock_faults,
    failover_faults,
    network_faults,
    postgres_faults,
    process_faults,
    redis_faults,
    worker_faults,
)

DIRECT = (
    *redis_faults.DIRECT,
    *postgres_faults.DIRECT,
    *failover_faults.DIRECT,
    *process_faults.DIRECT,
    *worker_faults.DIRECT,
    *clock_faults.DIRECT,
)
PROXIED = (*network_faults.PROXIED, *worker_faults.PROXIED)
