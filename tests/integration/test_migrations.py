"""The runner on real databases: order, once, all or nothing per file, and what it refuses."""

import threading
from contextlib import closing

import psycopg2
import pytest

from migrations import runner
from migrations.__main__ import main
from migrations.connection import DatabaseError
from tests.integration.databases import query, structure

FIRST, SECOND = "0001_first.sql", "0002_second.sql"


@pytest.fixture
def directory(tmp_path):
    (tmp_path / FIRST).write_text("CREATE TABLE one ();")
    (tmp_path / SECOND).write_text("CREATE TABLE two ();\nALTER TABLE one ADD two integer;")
    (tmp_path / runner.SNAPSHOT).write_text("not a migration")
    return tmp_path


@pytest.fixture
def on_environment(monkeypatch, empty_database_url):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    return empty_database_url


def tables(url):
    return {name for kind, name in structure(url) if kind == "relation"}


def test_the_snapshot_is_what_the_migrations_make(database_url, empty_database_url):
    query(empty_database_url, (runner.DIRECTORY / runner.SNAPSHOT).read_text())
    assert structure(empty_database_url) == structure(database_url)


def test_a_dump_makes_the_same_database(database_url, empty_database_url, postgres_server, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("POSTGRES_BIN", str(postgres_server.programs))
    assert main(["--dump"]) == 0
    dumped = capsys.readouterr().out
    assert "\\restrict" not in dumped
    query(empty_database_url, dumped)
    assert structure(empty_database_url) == structure(database_url)


def test_files_are_applied_in_order_and_once(empty_database_url, directory):
    assert runner.migrate(empty_database_url, directory) == [FIRST, SECOND]
    assert runner.migrate(empty_database_url, directory) == []
    assert query(
        empty_database_url, "SELECT version, name, length(sha256) FROM schema_migrations ORDER BY version"
    ) == [
        (1, FIRST, 64),
        (2, SECOND, 64),
    ]


def test_a_later_file_is_applied_alone(empty_database_url, directory):
    runner.migrate(empty_database_url, directory)
    (directory / "0003_third.sql").write_text("CREATE TABLE three ();")
    assert runner.migrate(empty_database_url, directory) == ["0003_third.sql"]


def test_a_failing_file_changes_nothing_and_those_before_it_stay(empty_database_url, directory):
    (directory / SECOND).write_text("CREATE TABLE two ();\nINSERT INTO missing VALUES (1);")
    with pytest.raises(runner.MigrationError, match=rf'{SECOND}, line 2: relation "missing" does not exist'):
        runner.migrate(empty_database_url, directory)
    assert tables(empty_database_url) == {"public.one", "public.schema_migrations"}
    assert [migration.name for migration in runner.state(empty_database_url, directory).pending] == [SECOND]


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (
            lambda d, _: (d / SECOND).write_text("CREATE TABLE another ();"),
            "0002_second.sql is not the 0002_second.sql that was",
        ),
        (
            lambda d, _: (d / SECOND).rename(d / "0002_renamed.sql"),
            "0002_renamed.sql is not the 0002_second.sql that was applied",
        ),
        (lambda d, _: (d / SECOND).unlink(), "the database has 0002_second.sql applied, which is not here"),
        (lambda d, _: (d / FIRST).unlink(), "0002_second.sql is found where number 0001 must be"),
        (lambda d, _: (d / "0002_twin.sql").touch(), "0002_twin.sql is found where number 0003 must be"),
        (lambda d, _: (d / "0004_later.sql").touch(), "0004_later.sql is found where number 0003 must be"),
        (lambda d, _: (d / "3_short.sql").touch(), "3_short.sql is not named"),
        (lambda d, _: (d / "0003_bytes.sql").write_bytes(b"\xff"), "0003_bytes.sql cannot be read"),
        (
            lambda _, url: query(url, "DELETE FROM schema_migrations WHERE version = 1"),
            "has 0002_second.sql applied, but not number 0001",
        ),
    ],
)
def test_files_that_do_not_fit_the_database_are_refused(empty_database_url, directory, tamper, problem):
    runner.migrate(empty_database_url, directory)
    tamper(directory, empty_database_url)
    before = structure(empty_database_url)
    for action in (runner.migrate, runner.state):
        with pytest.raises(runner.MigrationError, match=problem):
            action(empty_database_url, directory)
    assert structure(empty_database_url) == before


def test_runners_at_once_apply_each_file_once(empty_database_url, directory):
    applied = []
    runs = [
        threading.Thread(target=lambda: applied.append(runner.migrate(empty_database_url, directory))) for _ in range(4)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join(30)
    assert sorted(applied) == [[], [], [], [FIRST, SECOND]]


def test_waiting_for_another_runner_has_an_end(empty_database_url, directory, monkeypatch):
    monkeypatch.setattr(runner, "LOCK_MILLISECONDS", 50)
    with closing(psycopg2.connect(empty_database_url)) as other, other.cursor() as cursor:
        cursor.execute((runner.DIRECTORY / "sql" / "lock.sql").read_text())
        with pytest.raises(runner.MigrationError, match="another run"):
            runner.migrate(empty_database_url, directory)


def test_waiting_for_a_lock_inside_a_migration_has_an_end(empty_database_url, directory, monkeypatch):
    monkeypatch.setattr(runner, "LOCK_MILLISECONDS", 50)
    runner.migrate(empty_database_url, directory)
    (directory / "0003_third.sql").write_text("ALTER TABLE one ADD three integer;")
    with closing(psycopg2.connect(empty_database_url)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT * FROM one")
        with pytest.raises(runner.MigrationError, match=r"0003_third.sql.*lock timeout"):
            runner.migrate(empty_database_url, directory)


def test_losing_the_server_is_an_error(empty_database_url, directory):
    (directory / "0003_third.sql").write_text("SELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(DatabaseError):
        runner.migrate(empty_database_url, directory)
    assert len(runner.state(empty_database_url, directory).applied) == 2


def test_status_tells_what_is_pending_and_changes_nothing(on_environment, capsys):
    assert main(["--status"]) == 1
    assert "pending" in capsys.readouterr().out
    assert tables(on_environment) == set()
    assert main([]) == 0
    assert "applied 0001_catalogue.sql" in capsys.readouterr().out
    assert main(["--status"]) == 0
    assert "pending" not in capsys.readouterr().out
    assert main([]) == 0
    assert capsys.readouterr().out == "nothing to apply\n"


@pytest.mark.parametrize("argument", [[], ["--status"], ["--dump"]])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:hush@127.0.0.1:1/database",
        "postgresql://user:hu/hush@127.0.0.1/database",
        "postgresql://user:p@hush.invalid/database",
        "postgresql://user:100%hush@127.0.0.1/database",
    ],
)
def test_no_error_shows_a_part_of_the_password(monkeypatch, capsys, postgres_server, argument, url):
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("POSTGRES_BIN", str(postgres_server.programs))
    assert main(argument) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("migrations: ")
    assert "hu" not in shown.err


def test_the_url_must_be_set(monkeypatch, capsys):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main([]) == 1
    assert capsys.readouterr().err == "migrations: set DATABASE_URL\n"


def test_a_dump_needs_pg_dump(on_environment, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("POSTGRES_BIN", str(tmp_path))
    assert main(["--dump"]) == 1
    assert "set POSTGRES_BIN" in capsys.readouterr().err
