"""Counts the new products into the one table that is not loaded from a file (migrations/0004_product_blocks.sql)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable

from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.sql import SQL, Identifier

from etl.structure import BLOCKS, Part, sql


def build(connection: Connection, parts: Iterable[Part]) -> None:
    """Create the table in schema ``loading`` from the products there, and apply those of ``parts`` that belong to it.

    The rows go through this process because only COPY can freeze them, and products are frozen: a snapshot that sees
    the products must see their counts.
    """
    with connection, connection.cursor() as cursor, tempfile.TemporaryFile() as rows:
        cursor.execute(sql("blocks"))
        cursor.copy_expert(sql("count_blocks"), rows)
        rows.seek(0)
        cursor.copy_expert(sql("copy_blocks"), rows)
        cursor.execute(SQL(sql("analyze")).format(table=Identifier(BLOCKS)))
        for part in parts:
            if part.table == BLOCKS:
                cursor.execute(part.statement)
