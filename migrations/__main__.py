"""Command line of the migrations: ``python -m migrations [--status | --dump]`` on the database at DATABASE_URL."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from migrations.connection import DatabaseError
from migrations.runner import MigrationError, migrate, state
from migrations.snapshot import dump
from service.settings import SettingError, database_url


def main(argv: Sequence[str] | None = None) -> int:
    """Apply, list or dump; return 0, or 1 for an error or, with ``--status``, for pending migrations."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description="Migrate the database at DATABASE_URL.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--status", action="store_true", help="list what is applied and what is pending; 1 if pending")
    action.add_argument("--dump", action="store_true", help="print the schema, for migrations/schema.sql")
    arguments = parser.parse_args(argv)
    run = _status if arguments.status else _dump if arguments.dump else _migrate
    try:
        return run(database_url())
    except (SettingError, MigrationError, DatabaseError) as error:
        print(f"migrations: {error}", file=sys.stderr)
        return 1


def _migrate(url: str) -> int:
    applied = migrate(url)
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("nothing to apply")
    return 0


def _status(url: str) -> int:
    applied, pending = state(url)
    for name, applied_at in applied:
        print(f"applied {applied_at}  {name}")
    for migration in pending:
        print(f"pending {'':20}  {migration.name}")
    return 1 if pending else 0


def _dump(url: str) -> int:
    print(dump(url), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
