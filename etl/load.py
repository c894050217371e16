"""Replaces the live catalogue by the old service's files: ``python -m etl load DIR``.

Steps: find the files and read their headers, COPY each into a shadow table in schema ``loading``, give these tables the
structure of the live ones, swap. While a file is copied, a second connection indexes the tables before it. Readers see
the old catalogue until the swap commits; a load that ends before that has changed nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from functools import partial
from pathlib import Path

import psycopg2
import psycopg2.errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

from etl import blocks
from etl.background_tasks import background_tasks
from etl.console import Console
from etl.errors import LoadError
from etl.files import Source, carts, sources
from etl.lines import Lines
from etl.report import FileReport, Report
from etl.staging import Staging
from etl.structure import Part, live_structure, sql
from etl.swap import swap
from migrations.connection import DatabaseError, connected
from service.settings import SettingError, database_url

# Only the swap must survive a crash of the server, and sets that itself. The check interval makes the server end the
# session of a killed load.
_SESSION = {
    "application_name": "load",
    "search_path": "loading,public",
    "synchronous_commit": "off",
    "maintenance_work_mem": "256MB",
    "lock_timeout": "30s",
    "client_connection_check_interval": "1s",
}
# Built while the next file is copied. Parents come before children, so that the key of a reference exists.
_FINISHING = ("index", "reference")


def load(url: str, directory: Path, console: Console) -> Report:
    """Load the files of ``directory`` into the database at ``url``.

    Raises LoadError for an error in the files or while another load runs, DatabaseError when the database fails.
    """
    found = sources(directory)
    carts_report = _counted(carts(directory))
    with connected(url, **_SESSION) as connection, connected(url, **_SESSION) as second:
        _claim(connection)
        with connection, connection.cursor() as cursor:
            parts = live_structure(cursor)
        try:
            report = Report([*_build(connection, second, found, parts, console), *carts_report])
            swap(connection, parts, report.as_json())
        except BaseException:
            _abandon(connection)
            raise
    console.tell("the new catalogue is live")
    return report


def _counted(found: Source | None) -> list[FileReport]:
    if not found:
        return []
    lines = Lines(found, lambda _done, _total: None)
    for _chunk in iter(lines.read, b""):
        pass
    report = FileReport(found.file.name)
    report.read = report.stored = lines.read_rows
    report.refuse("it names products where a cart holds skus", report.read)
    return [report]


def _claim(connection: Connection) -> None:
    try:
        _run(connection, "claim")
    except psycopg2.errors.LockNotAvailable:
        raise LoadError("another load is running") from None


def _build(
    connection: Connection, second: Connection, found: list[Source], parts: list[Part], console: Console
) -> list[FileReport]:
    _run(connection, "schema")
    tables = {source.file.table: Staging(source) for source in found}
    with background_tasks(second) as tasks:
        finished = []
        for name, table in tables.items():
            table.copy(connection, console)
            own = [part for part in parts if part.table == name and part.kind in _FINISHING]
            finished.append(tasks.add(partial(table.finish, parts=own)))
        for table, task in zip(tables.values(), finished, strict=True):
            task.result()
            console.tell(f"keys, indexes and references of {table.report.file}")
    for part in parts:
        if part.kind not in _FINISHING and part.table in tables:
            tables[part.table].add(connection, part)
    blocks.build(connection, parts)
    console.tell("triggers and grants")
    for table in tables.values():
        table.count_mended(connection)
    return [table.report for table in tables.values()]


def _abandon(connection: Connection) -> None:
    # This only frees the space early: the next load would do it.
    with contextlib.suppress(psycopg2.Error):
        _run(connection, "abandon")


def _run(connection: Connection, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql(name))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``run`` reads."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="holds product.csv, features.csv, styles.csv, …")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write what became of every row as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Load into the database at DATABASE_URL, print the report, and return the exit status."""
    try:
        report = load(database_url(), arguments.directory, Console(sys.stderr))
    except (LoadError, DatabaseError, SettingError) as error:
        sys.stderr.write(f"etl load: {error}\n")
        return 1
    sys.stdout.write(report.as_table() + "\n")
    return _write(report, arguments.report) if arguments.report else 0


def _write(report: Report, path: Path) -> int:
    try:
        path.write_text(report.as_json() + "\n", "utf-8")
    except OSError as error:
        sys.stderr.write(f"etl load: the catalogue is loaded, but {path} cannot be written: {error.strerror}\n")
        return 1
    return 0
