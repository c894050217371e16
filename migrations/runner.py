"""Applies the numbered SQL files of a directory to a database, once each and in order, and lists which are applied."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import psycopg2
import psycopg2.errors
import psycopg2.extensions

from migrations.connection import connected, reason

DIRECTORY = Path(__file__).parent
SNAPSHOT = "schema.sql"
#: Timeout of waiting for another runner, and for any lock of a migration, since other sessions queue behind that.
LOCK_MILLISECONDS = 10_000

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_LOCK, _TABLE, _APPLIED, _RECORD = (
    (DIRECTORY / "sql" / f"{name}.sql").read_text("utf-8") for name in ("lock", "table", "applied", "record")
)


class MigrationError(Exception):
    """The files and the database do not fit together, or a file failed; the message names the file."""


class Migration(NamedTuple):
    """One numbered file."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Checksum that shows whether the file was edited after it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class State(NamedTuple):
    """A directory's migrations in a database, in order: ``applied`` as (name, time), and those ``pending``."""

    applied: list[tuple[str, str]]
    pending: list[Migration]


def migrate(database_url: str, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is pending, each file in a transaction of its own; return the names of the files applied.

    Runners wait for each other for a while. Raises MigrationError; the files before the one that failed stay applied.
    Raises DatabaseError where the database cannot be used.
    """
    files = read(directory)
    with connected(database_url, lock_timeout=LOCK_MILLISECONDS) as connection:
        _wait_for_others(connection)
        with connection.cursor() as cursor:
            cursor.execute(_TABLE)
        pending = _compare(files, _applied(connection)).pending
        for migration in pending:
            _apply(connection, migration)
    return [migration.name for migration in pending]


def state(database_url: str, directory: Path = DIRECTORY) -> State:
    """Compare files and database without changing anything. Raises MigrationError if they do not fit together."""
    files = read(directory)
    with connected(database_url, lock_timeout=LOCK_MILLISECONDS) as connection:
        return _compare(files, _applied(connection))


def read(directory: Path) -> list[Migration]:
    """Read the migrations of a directory. Raises MigrationError where they are not NNNN_name.sql from 0001 on."""
    names = sorted(path.name for path in directory.glob("*.sql") if path.name != SNAPSHOT)
    for expected, name in enumerate(names, start=1):
        match = _NAME.fullmatch(name)
        if match is None:
            raise MigrationError(f"{name} is not named NNNN_name.sql")
        if int(match[1]) != expected:
            raise MigrationError(
                f"{name} is found where number {expected:04} must be: numbers have no gap and no double"
            )
    return [Migration(number, name, _text(directory / name)) for number, name in enumerate(names, start=1)]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationError(f"{path.name} cannot be read: {error}") from None


def _wait_for_others(connection: psycopg2.extensions.connection) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
    except psycopg2.errors.LockNotAvailable:
        raise MigrationError("another run is applying migrations; try again when it is done") from None


def _applied(connection: psycopg2.extensions.connection) -> list[tuple[int, str, str, str]]:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_APPLIED)
            return cursor.fetchall()
    except psycopg2.errors.UndefinedTable:
        return []


def _compare(files: list[Migration], rows: list[tuple[int, str, str, str]]) -> State:
    for expected, (version, name, sha256, _) in enumerate(rows, start=1):
        if version > len(files):
            raise MigrationError(f"the database has {name} applied, which is not here: is this an older checkout?")
        if version != expected:
            raise MigrationError(f"the database has {name} applied, but not number {expected:04}")
        file = files[version - 1]
        if (file.name, file.sha256) != (name, sha256):
            raise MigrationError(
                f"{file.name} is not the {name} that was applied: undo the edit, write a new migration"
            )
    return State([(name, applied_at) for _, name, _, applied_at in rows], files[len(rows) :])


def _apply(connection: psycopg2.extensions.connection, migration: Migration) -> None:
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(migration.sql)
            cursor.execute(_RECORD, (migration.version, migration.name, migration.sha256))
    except psycopg2.Error as error:
        if connection.closed:
            raise
        raise MigrationError(f"{migration.name}{_line(migration.sql, error)}: {reason(error)}") from error


def _line(sql: str, error: psycopg2.Error) -> str:
    position = error.diag.statement_position
    return f", line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
