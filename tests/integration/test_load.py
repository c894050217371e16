"""What a load stores, refuses, leaves alone and reports."""

import io
import json

import pytest

from etl.__main__ import main
from etl.check import check
from etl.console import Console
from tests import catalogue_files
from tests.catalogue_files import FILES, STORED, edited
from tests.integration.databases import query, structure
from tests.integration.loads import run, stored


def counts(report):
    return {f.file: (f.read, f.stored, f.mended, dict(f.refused)) for f in report.files}


@pytest.mark.parametrize("generation", [FILES, catalogue_files.older(), catalogue_files.reordered()])
def test_every_row_is_stored_as_it_was_meant(database_url, tmp_path, generation):
    report = run(database_url, catalogue_files.write(tmp_path, generation))
    assert stored(database_url) == STORED
    assert counts(report) == {
        "product.csv": (3, 3, 0, {}),
        "features.csv": (4, 4, 0, {}),
        "styles.csv": (3, 3, 0, {}),
        "photos.csv": (3, 3, 1, {}),
        "skus.csv": (3, 3, 0, {}),
        "related.csv": (5, 4, 0, {"related_product_id is 0": 1}),
        "cart.csv": (2, 0, 0, {"it names products where a cart holds skus": 2}),
    }


@pytest.mark.parametrize("form", catalogue_files.FORMS)
@pytest.mark.parametrize("generation", [catalogue_files.spanning(), catalogue_files.older()])
def test_every_form_of_the_files_is_the_same_catalogue(database_url, tmp_path, generation, form):
    report = run(database_url, catalogue_files.write(tmp_path / "plain", generation))
    plain = stored(database_url)
    assert plain == (catalogue_files.STORED_SPANNING if generation == catalogue_files.spanning() else STORED)
    directory = catalogue_files.write(tmp_path / "form", catalogue_files.FORMS[form](generation))
    assert run(database_url, directory) == report
    assert stored(database_url) == plain
    assert check(database_url, directory, Console(io.StringIO()))[1] == []


def test_carts_may_be_missing(database_url, tmp_path):
    report = run(database_url, catalogue_files.write(tmp_path, {n: t for n, t in FILES.items() if n != "cart.csv"}))
    assert "cart.csv" not in counts(report)
    assert stored(database_url) == STORED


def test_a_file_may_have_no_rows(database_url, tmp_path):
    header = FILES["related.csv"].partition("\n")[0]
    report = run(database_url, catalogue_files.write(tmp_path, FILES | {"related.csv": header, "cart.csv": ""}))
    assert counts(report)["related.csv"] == (0, 0, 0, {})
    assert counts(report)["cart.csv"] == (0, 0, 0, {"it names products where a cart holds skus": 0})
    assert stored(database_url) == STORED | {"related_products": []}


def test_rows_without_a_parent_are_refused_with_all_below_them(database_url, tmp_path):
    files = edited("product.csv", FILES["product.csv"].splitlines()[1].encode() + b"\n", b"")
    report = counts(run(database_url, catalogue_files.write(tmp_path, files)))
    assert report["features.csv"] == (4, 1, 0, {"product_id is not in products": 3})
    assert report["styles.csv"] == (3, 1, 0, {"product_id is not in products": 2})
    assert report["photos.csv"] == (3, 0, 0, {"style_id is not in styles": 3})  # the mended one as well
    assert report["skus.csv"] == (3, 1, 0, {"style_id is not in styles": 2})
    assert report["related.csv"] == (5, 1, 0, {"related_product_id is 0": 1, "product_id is not in products": 3})
    assert all(read == stored + sum(refused.values()) for read, stored, _, refused in report.values())
    assert {table: [row[0] for row in rows] for table, rows in stored(database_url).items()} == {
        **{"products": [2, 7], "features": [3], "styles": [5], "photos": [], "skus": [6], "related_products": [5]},
    }


def test_a_load_changes_the_epoch_empties_the_outbox_and_changes_neither_structure_nor_carts(database_url, files):
    query(
        database_url,
        """INSERT INTO products VALUES (1, 'Old', '', '', '', 1), (3, 'Gone', '', '', '', 1);
        INSERT INTO carts VALUES ('00000000-0000-0000-0000-000000000001');
        INSERT INTO cart_lines VALUES ('00000000-0000-0000-0000-000000000001', 5, 2);
        GRANT SELECT ON skus TO PUBLIC; GRANT UPDATE ON photos TO pg_monitor WITH GRANT OPTION;
        ALTER TABLE styles OWNER TO pg_monitor""",
    )

    def lines():
        return query(database_url, "TABLE cart_lines")

    before, lines_before, [(epoch,)] = structure(database_url), lines(), query(database_url, "SELECT catalogue_epoch()")
    run(database_url, files)
    run(database_url, files)
    assert structure(database_url) == before
    assert lines() == lines_before
    assert query(database_url, "TABLE catalogue_outbox") == []
    assert [epoch] < [row[0] for row in query(database_url, "SELECT epoch FROM catalogue_loads ORDER BY 1 OFFSET 1")]
    assert len(query(database_url, "TABLE catalogue_loads")) == 3


def test_changes_after_a_load_have_versions_above_it(loaded_url):
    [(version,)] = query(loaded_url, "SELECT DISTINCT version FROM products")
    query(loaded_url, "UPDATE skus SET quantity = 9 WHERE id = 6")
    [(changed,)] = query(loaded_url, "SELECT version FROM products WHERE id = 2")
    assert changed > version
    assert query(loaded_url, "SELECT product_ids, versions FROM catalogue_outbox") == [([2], [changed])]


@pytest.fixture
def on_environment(monkeypatch, database_url):
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


def test_the_report_is_printed_written_and_kept_in_the_database(on_environment, files, tmp_path, capsys):
    assert main(["load", str(files), "--report", str(tmp_path / "report.json")]) == 0
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["files"]["photos.csv"] == {"read": 3, "stored": 3, "mended": 1, "refused": {}}
    assert written["files"]["related.csv"]["refused"] == {"related_product_id is 0": 1}
    [(kept,)] = query(on_environment, "SELECT report FROM catalogue_loads ORDER BY epoch DESC LIMIT 1")
    assert kept == written
    shown = capsys.readouterr()
    assert "related.csv              5           4           0           1  1: related_product_id is 0" in shown.out
    assert [line.split("s  ")[1] for line in shown.err.splitlines()][:2] == [
        "product.csv: 3 rows",
        "features.csv: 4 rows",
    ]


def test_a_terminal_sees_how_far_each_file_is(database_url, files):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    run(database_url, files, Console(terminal))
    size = (files / "photos.csv").stat().st_size
    assert f"{size} of {size} bytes of photos.csv" in terminal.getvalue()


def test_a_report_that_cannot_be_written_is_told(on_environment, files, tmp_path, capsys):
    assert main(["load", str(files), "--report", str(tmp_path)]) == 1
    assert "the catalogue is loaded, but" in capsys.readouterr().err
    assert stored(on_environment) == STORED


def test_errors_end_the_command_in_one_line(on_environment, tmp_path, capsys):
    directory = catalogue_files.write(tmp_path, edited("skus.csv", b"6,5,", b"6,five,"))
    assert main(["load", str(directory)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == 'etl load: skus.csv, line 4: invalid input syntax for type integer: "five"'
    assert "Traceback" not in shown.err


def test_wrong_usage_is_another_exit_status(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["load"])
    assert ended.value.code == 2
    assert "DIR" in capsys.readouterr().err
