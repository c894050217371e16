"""Postgres: a bounded pool that waits, a deadline on every call, drivers' errors translated. Only here is psycopg2.

Connections are libpq's asynchronous ones, waited for with ``poll``: deadlines hold also where the server hangs.
"""

from service.postgres.connection import SESSION_OPTIONS
from service.postgres.listener import Listener
from service.postgres.pool import Postgres
from service.postgres.statement import Call, Statement

__all__ = ["SESSION_OPTIONS", "Call", "Listener", "Postgres", "Statement"]
