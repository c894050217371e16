"""What tests of connections to Postgres share."""

from service.coroutines import block_on
from service.errors import PostgresUnavailable
from service.postgres import Call, Statement

PROCESS = Statement("process", "SELECT pg_backend_pid()")


def ran(pool):
    """Whether a call succeeds now."""
    try:
        return bool(block_on(pool.run(Call(PROCESS))))
    except PostgresUnavailable:
        return False
