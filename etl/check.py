"""Compares the database with the files that it was loaded from: ``python -m etl check DIR``.

It compares the number of rows of each table, rows without a parent, and byte for byte the documents of a random sample
of products. Documents are built by the service's own queries, read from their files, and not requested over HTTP: a
cache could answer instead of the database, and an instance would have to run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from random import Random

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - a class
from psycopg2.sql import SQL, Identifier

from etl.console import Console
from etl.errors import LoadError
from etl.expected import PARENTS, Expected, parent_column
from etl.files import FILES, sources
from etl.structure import sql
from migrations.connection import DatabaseError, connected
from service.settings import SettingError, database_url

MOST_DIFFERENCES = 20
_QUERIES = Path(__file__).parents[1] / "service" / "catalogue" / "sql"
_KINDS = ("card", "product", "styles", "related", "summary")
_CONTEXT = 40


def check(url: str, directory: Path, console: Console) -> tuple[Expected, list[str]]:
    """Return what the database should hold by the files, and every difference from that.

    Raises LoadError for a fault in the files, DatabaseError when the database fails.
    """
    expected = Expected(sources(directory), console, Random())  # noqa: S311 - no secret
    with connected(url, application_name="check") as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True, autocommit=False)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql("hold"))
            differences = [*_rows(cursor, expected), *_orphans(cursor)]
            console.tell("rows counted")
            differences += _documents(cursor, expected)
    console.tell("documents compared")
    return expected, differences


def _rows(cursor: Cursor, expected: Expected) -> Iterator[str]:
    for file, report in zip(FILES, expected.reports, strict=True):
        found = _number(cursor, "count", table=file.table)
        if found != report.stored:
            yield f"{file.table}: {found:,} rows in the database, {report.stored:,} by {file.name}"


def _orphans(cursor: Cursor) -> Iterator[str]:
    for file in FILES:
        if column := parent_column(file):
            parent = PARENTS[column]
            if found := _number(cursor, "orphans", table=file.table, column=column, parent=parent):
                yield f"{file.table}: {column} is not in {parent}: {found:,} of the rows in the database"


def _number(cursor: Cursor, name: str, **identifiers: str) -> int:
    cursor.execute(SQL(sql(name)).format(**{key: Identifier(value) for key, value in identifiers.items()}))
    [(number,)] = cursor.fetchall()
    return int(number)


def _documents(cursor: Cursor, expected: Expected) -> Iterator[str]:
    wanted = dict(expected.sample.documents())
    for kind in _KINDS:
        found = _bodies(cursor, kind, [*wanted])
        for product_id, documents in sorted(wanted.items()):
            if (body := found.get(product_id)) != documents[kind]:
                yield _difference(f"product {product_id}, {kind}", body, documents[kind])


def _bodies(cursor: Cursor, kind: str, ids: list[int]) -> Mapping[int, str]:
    cursor.execute(f"PREPARE {kind} (integer[]) AS {(_QUERIES / f'{kind}.sql').read_text('utf-8')}")
    cursor.execute(f"EXECUTE {kind} (%s)", (ids,))
    return {product_id: body for product_id, *_versions, body in cursor.fetchall()}


def _difference(name: str, found: str | None, wanted: str) -> str:
    if found is None:
        return f"{name}: not in the database"
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(found, wanted, strict=False)))
    shown = slice(max(0, same - _CONTEXT), same + _CONTEXT)
    return f"{name}: …{found[shown]}… in the database, …{wanted[shown]}… by the files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``run`` reads."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="holds product.csv, features.csv, styles.csv, …")


def run(arguments: argparse.Namespace) -> int:
    """Check the database at DATABASE_URL, print what was found, and return the exit status."""
    try:
        expected, differences = check(database_url(), arguments.directory, Console(sys.stderr))
    except (LoadError, DatabaseError, SettingError) as error:
        sys.stderr.write(f"etl check: {error}\n")
        return 1
    sys.stdout.write("\n".join(_shown(differences) if differences else _table(expected)) + "\n")
    return 1 if differences else 0


def _shown(differences: Sequence[str]) -> list[str]:
    more = len(differences) - MOST_DIFFERENCES
    return [*differences[:MOST_DIFFERENCES], *([f"… and {more:,} more differences"] if more > 0 else [])]


def _table(expected: Expected) -> list[str]:
    lines = [f"{'file':14}{'read':>12}{'refused':>12}{'in database':>14}"]
    for report in expected.reports:
        lines.append(f"{report.file:14}{report.read:12,}{report.refused.total():12,}{report.stored:14,}")
    return [*lines, f"no orphans; the documents of {len(expected.sample):,} products are equal byte for byte"]
