"""Builds the new catalogue in shadow tables in schema ``loading``."""

from __future__ import annotations

import re
from collections.abc import Iterable

import psycopg2
import psycopg2.errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class
from psycopg2.sql import SQL, Composed, Identifier, Literal

from etl.console import Console
from etl.errors import LoadError
from etl.files import Source
from etl.lines import Lines, first_line, lines_with_id
from etl.report import FileReport
from etl.structure import Part, sql
from migrations.connection import reason

_VERSIONED = "products"


class Staging:
    """One shadow table: the file that fills it, and the report of the file's rows."""

    def __init__(self, source: Source) -> None:
        self.report = FileReport(source.file.name)
        self._source = source
        self._mended_ids: list[int] = []

    def copy(self, connection: Connection, console: Console) -> None:
        """Create the table and fill it. Raises LoadError for the first line that it does not accept."""
        lines = Lines(self._source, console.watch(self._source.file.name))
        with connection, connection.cursor() as cursor:
            cursor.execute(self._sql("table"))
            if self._source.file.table == _VERSIONED:
                cursor.execute(sql("versions"))
            try:
                cursor.copy_expert(self._copy_sql(), lines)  # type: ignore[arg-type] # COPY FROM only reads
            except psycopg2.Error as error:
                if connection.closed:
                    raise
                raise lines.failure or LoadError(f"{self._place(error, lines.added)}: {reason(error)}") from None
            self._count(lines, cursor.rowcount)
            if self._source.file.table == _VERSIONED:
                cursor.execute(sql("versions_done"))
        console.tell(f"{self._source.file.name}: {lines.read_rows:,} rows")

    def finish(self, connection: Connection, parts: Iterable[Part]) -> None:
        """Gather statistics of the rows, then add keys, indexes and references. Raises as ``add`` does."""
        with connection.cursor() as cursor:
            cursor.execute(self._sql("analyze"))
        for part in parts:
            self.add(connection, part)

    def add(self, connection: Connection, part: Part) -> None:
        """Give the table one more part of the live one's structure.

        Rows that violate a reference are refused. Raises LoadError naming the line where an id is repeated.
        """
        with connection.cursor() as cursor:
            try:
                cursor.execute(part.statement)
            except psycopg2.errors.UniqueViolation as error:
                raise self._repeated(error) from None
            except psycopg2.errors.ForeignKeyViolation:
                # Only now: searching orphans costs as much as the reference, and a valid catalogue has none.
                cursor.execute(part.remedy or "")
                self.report.refuse(part.reason or "", cursor.rowcount)
                cursor.execute(part.statement)

    def count_mended(self, connection: Connection) -> None:
        """Count the mended rows among the stored ones."""
        if self._mended_ids:
            with connection.cursor() as cursor:
                cursor.execute(self._sql("mended"), (self._mended_ids,))
                [(self.report.mended,)] = cursor.fetchall()

    def _count(self, lines: Lines, stored: int) -> None:
        self.report.read = self.report.stored = lines.read_rows
        self._mended_ids = lines.mended_ids
        if refused := lines.read_rows - stored:
            self.report.refuse(f"{self._source.file.never_zero} is 0", refused)

    def _sql(self, name: str) -> Composed:
        return SQL(sql(name)).format(table=Identifier(self._source.file.table))

    def _copy_sql(self) -> Composed:
        file = self._source.file
        return SQL(sql("copy")).format(
            table=Identifier(file.table),
            columns=SQL(", ").join(map(Identifier, self._source.columns)),
            never_zero=Identifier(file.never_zero) if file.never_zero else Literal(1),
        )

    def _place(self, error: psycopg2.Error, added: int) -> str:
        # "COPY products, line 3, column id: …", in the server's language: the line is the first number, since no table
        # name has digits. It is that of the record's last line.
        number = re.search(r"\d+", error.diag.context or "")
        line = f", line {first_line(self._source, int(number[0]) - added)}" if number else ""
        return self._source.file.name + line

    def _repeated(self, error: psycopg2.errors.UniqueViolation) -> LoadError:
        name, key = self._source.file.name, re.search(r"=\((\d+)\)", error.diag.message_detail or "")
        found = lines_with_id(self._source, int(key[1])) if key else []
        if key and len(found) > 1:
            return LoadError(f"{name}, line {found[1]}: id {key[1]} was already in line {found[0]}")
        return LoadError(f"{name}: {reason(error)}")
