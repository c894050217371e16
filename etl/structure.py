"""The structure of the live tables beyond columns, introspected: the schema is written only in the migrations."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class

from etl.errors import LoadError
from etl.files import FILES

_SQL = Path(__file__).parent / "sql"

#: The one table that is not loaded from a file: etl/blocks.py fills it.
BLOCKS = "product_blocks"


class Part(NamedTuple):
    """A statement that gives a table in schema ``loading`` a part of the live table's structure.

    A reference has a ``remedy``, which deletes the rows that violate it, and a ``reason`` for the report.
    """

    kind: str
    table: str
    statement: str
    remedy: str | None
    reason: str | None


def sql(name: str) -> str:
    """Read one of the loader's SQL files."""
    return (_SQL / f"{name}.sql").read_text("utf-8")


def live_structure(cursor: Cursor) -> list[Part]:
    """Read the parts of the live tables, in build order. Raises LoadError if a table is missing."""
    tables = [*(file.table for file in FILES), BLOCKS]
    cursor.execute(sql("structure"), {"tables": tables})
    parts = [Part(*row) for row in cursor.fetchall()]
    if missing := sorted(set(tables) - {part.table for part in parts}):
        raise LoadError(f"the database has no {', '.join(missing)}: run python -m migrations first")
    return parts
