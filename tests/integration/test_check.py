"""``python -m etl check`` finds what differs between the files and the database, and nothing where nothing does."""

import io

import pytest

from etl import expected
from etl.__main__ import main
from etl.check import check
from etl.console import Console
from etl.files import LoadError
from etl.generate import generate
from tests import catalogue_files
from tests.catalogue_files import FILES, edited
from tests.integration.databases import query, structure
from tests.integration.loads import run


def differences(url, directory):
    return check(url, directory, Console(io.StringIO()))[1]


def as_if_unwatched(url, statement):
    """Change rows without triggers and references, as a fault would."""
    query(url, f"SET session_replication_role = replica; {statement}")


@pytest.mark.parametrize("generation", [FILES, catalogue_files.older(), catalogue_files.reordered()])
def test_a_load_leaves_no_difference(database_url, tmp_path, generation):
    directory = catalogue_files.write(tmp_path, generation)
    run(database_url, directory)
    assert differences(database_url, directory) == []


def test_the_generations_of_the_files_are_the_same_catalogue(old_url, tmp_path):
    for number, files in enumerate([catalogue_files.older(), catalogue_files.reordered()]):
        assert differences(old_url, catalogue_files.write(tmp_path / str(number), files)) == []


@pytest.mark.parametrize("sample", [expected.SAMPLE_PRODUCTS, 10])
def test_every_quirk_is_understood(database_url, tmp_path, monkeypatch, sample):
    monkeypatch.setattr(expected, "SAMPLE_PRODUCTS", sample)
    generate(tmp_path, products=300)
    run(database_url, tmp_path)
    found, wrong = check(database_url, tmp_path, Console(io.StringIO()))
    assert wrong == []
    assert len(found.sample) == min(300, sample)


def test_rows_without_a_parent_are_expected_to_be_refused(database_url, tmp_path):
    first = FILES["product.csv"].splitlines()[1].encode() + b"\n"
    directory = catalogue_files.write(tmp_path, edited("product.csv", first, b""))
    loaded = {file.file: (file.read, file.stored, file.refused) for file in run(database_url, directory).files}
    found, wrong = check(database_url, directory, Console(io.StringIO()))
    assert wrong == []
    assert {file.file: (file.read, file.stored, file.refused) for file in found.reports}.items() <= loaded.items()


FAULTS = [
    (
        "UPDATE products SET default_price = 141 WHERE id = 1",
        ["product 1, card: ", "product 1, product: ", "product 1, summary: "],
    ),
    ("UPDATE styles SET sale_price = 36 WHERE id = 5", ["product 2, styles: ", "product 2, summary: "]),
    ("UPDATE styles SET default_style = NOT default_style WHERE id = 1", ["product 1, styles: "]),
    ("UPDATE photos SET url = url || '?' WHERE id = 4", ["product 1, styles: "]),
    (
        "UPDATE photos SET url = thumbnail_url, thumbnail_url = url WHERE id = 3",
        ["product 1, styles: ", "product 1, summary: "],
    ),
    ("UPDATE features SET id = id + 10 WHERE id = 1", ["product 1, product: ", "product 1, summary: "]),
    ("UPDATE features SET value = 'null' WHERE id = 2", ["product 1, product: ", "product 1, summary: "]),
    ("UPDATE features SET value = NULL WHERE id = 3", ["product 2, product: ", "product 2, summary: "]),
    ("UPDATE related_products SET related_product_id = 1 WHERE id = 1", ["product 1, related: "]),
    (
        "DELETE FROM skus WHERE id = 6",
        ["skus: 2 rows in the database, 3 by skus.csv", "product 2, styles: "],
    ),
    (
        "INSERT INTO related_products VALUES (9, 7, 1)",
        ["related_products: 5 rows in the database, 4 by related.csv", "product 7, related: …[99,1]… "],
    ),
    (
        "INSERT INTO features VALUES (9, 50, 'Shell', 'Waxed')",
        [
            "features: 5 rows in the database, 4 by features.csv",
            "features: product_id is not in products: 1 of the rows in the database",
        ],
    ),
    (
        "UPDATE photos SET style_id = 50 WHERE id = 9",
        ["photos: style_id is not in styles: 1 of the rows in the database", "product 1, styles: "],
    ),
    (
        "UPDATE products SET id = 8 WHERE id = 7",
        [
            "related_products: product_id is not in products: 1 of the rows in the database",
            *(
                f"product 7, {kind}: not in the database"
                for kind in ("card", "product", "styles", "related", "summary")
            ),
        ],
    ),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS)
def test_each_difference_is_told(loaded_url, files, fault, told):
    as_if_unwatched(loaded_url, fault)
    found = differences(loaded_url, files)
    assert len(found) == len(told)
    assert [found.startswith(start) for found, start in zip(found, told, strict=True)] == [True] * len(told), found


def test_a_difference_shows_both_sides(loaded_url, files):
    as_if_unwatched(loaded_url, "UPDATE skus SET quantity = 7 WHERE id = 1")
    [told] = differences(loaded_url, files)
    there, by_files = told.split("in the database")
    assert '"1":{"quantity":7,"size"' in there
    assert '"1":{"quantity":8,"size"' in by_files


@pytest.fixture
def on_environment(monkeypatch, loaded_url):
    monkeypatch.setenv("DATABASE_URL", loaded_url)
    return loaded_url


def test_command_prints_a_table_where_all_is_equal(on_environment, files, capsys):
    before = structure(on_environment)
    assert main(["check", str(files)]) == 0
    out, err = capsys.readouterr()
    assert "related.csv              5           1             4" in out
    assert out.endswith("the documents of 3 products are equal byte for byte\n")
    assert "documents compared" in err
    assert structure(on_environment) == before


def test_command_names_the_first_differences_and_counts_the_others(on_environment, tmp_path, capsys):
    generate(tmp_path / "other", products=100)
    assert main(["check", str(tmp_path / "other")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "products: 3 rows in the database, 100 by product.csv"
    assert len(lines) == 21
    assert lines[-1].startswith("… and ")


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("skus.csv", b"6,5,", b"6,five,", "line 4: no number for style_id"),
        ("styles.csv", b"5,2,", b"-5,2,", "line 4: no number for id or product_id"),
        ("styles.csv", b"0,140,0", b"0,140,maybe", "line 3: 'maybe' is neither true nor false"),
        ("features.csv", b'3,2,"Lining","null"', b'3,2,"Lining"', "line 4: 3 values in 4 columns"),
        ("product.csv", b"Tin Kilt", b"Tin \xff", "line 3: 'utf-8' codec can't decode"),
        ("related.csv", b"3,1,1", b"3,1,null", "line 4: no number for product_id or related_product_id"),
        ("photos.csv", b"id,styleId", b"id,style", "line 1: unknown in the header"),
    ],
)
def test_a_broken_line_is_named(old_url, tmp_path, name, old, new, problem):
    with pytest.raises(LoadError, match=rf"^{name}, {problem}"):
        differences(old_url, catalogue_files.write(tmp_path, edited(name, old, new)))


def test_errors_end_the_command_in_one_line(monkeypatch, empty_database_url, files, capsys):
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    assert main(["check", str(files)]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == 'etl check: relation "public.products" does not exist'
    (files / "skus.csv").unlink()
    assert main(["check", str(files)]) == 1
    assert capsys.readouterr().err.startswith("etl check: skus.csv not found in ")
