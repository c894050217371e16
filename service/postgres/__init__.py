"""Postgres: a bounded pool, a deadline on every call, driver errors translated. All use of psycopg2 is here.

Connections are libpq's asynchronous ones, driven by ``poll``: deadlines hold also where the server hangs.
"""

from service.postgres.connection import SESSION, options
from service.postgres.listener import Listener
from service.postgres.pool import Postgres
from service.postgres.servers import each_server
from service.postgres.statement import Call, Statement

__all__ = ["SESSION", "Call", "Listener", "Postgres", "Statement", "each_server", "options"]
