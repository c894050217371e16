import argparse
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl import generate, progress
from etl.rows import HEADERS

FULL = {
    "product.csv": 1_000_011,
    "features.csv": 2_219_279,
    "styles.csv": 1_958_102,
    "photos.csv": 5_655_656,
    "skus.csv": 11_323_917,
    "related.csv": 4_508_263,
}


def digests(directory):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


@pytest.mark.parametrize("products", [100, 101, 137, 2013])
def test_counts_are_in_proportion_and_equal_what_is_written(tmp_path, products):
    counts = generate.generate(tmp_path, products=products)
    assert (
        counts
        == generate.row_counts(products)
        == {name: (tmp_path / name).read_bytes().count(b"\n") for name in HEADERS}
    )
    for name, full in FULL.items():
        assert counts[name] == round(full * products / FULL["product.csv"])


def test_full_catalogue_has_exactly_the_rows_of_the_old_service():
    assert FULL.items() <= generate.row_counts(FULL["product.csv"]).items()


def test_bytes_depend_on_the_seed_and_on_nothing_else(tmp_path):
    program = "import sys, pathlib; from etl.generate import generate; generate(pathlib.Path(sys.argv[1]), 200, 5)"
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", program, str(tmp_path / hash_seed)]
        subprocess.run(command, env=environment, check=True, timeout=60, cwd=Path(generate.__file__).parents[1])
    generate.generate(tmp_path / "other", products=200, seed=-5)
    assert digests(tmp_path / "1") == digests(tmp_path / "2")
    other, first = digests(tmp_path / "other"), digests(tmp_path / "1")
    assert all(other[name] != first[name] for name in HEADERS)


@pytest.mark.parametrize("products", [-1, 0, 99, 100_000_001])
def test_a_size_out_of_range_is_refused_and_nothing_is_made(tmp_path, products):
    with pytest.raises(generate.GenerateError, match=f"not {products}$"):
        generate.generate(tmp_path / "new", products=products)
    assert not (tmp_path / "new").exists()


def test_a_directory_with_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(generate.GenerateError, match=r"thesis\.txt"):
        generate.generate(tmp_path, products=100)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_only_plain_files_are_replaced(tmp_path):
    (tmp_path / "product.csv").mkdir()
    with pytest.raises(generate.GenerateError, match=r"product\.csv"):
        generate.generate(tmp_path, products=100)


def test_a_run_cut_short_leaves_the_old_catalogue(tmp_path):
    generate.generate(tmp_path, products=100, seed=1)
    before = digests(tmp_path)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate.generate(tmp_path, products=100, seed=2, progress=interrupt)
    assert digests(tmp_path) == before


def test_remains_of_a_killed_run_are_replaced(tmp_path):
    (tmp_path / "skus.csv.part").write_text("half")
    generate.generate(tmp_path, products=100)
    assert {path.name for path in tmp_path.iterdir()} == set(HEADERS)


def test_progress_goes_up_to_all_products(tmp_path):
    calls = []
    generate.generate(tmp_path, products=1500, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1000, 1500), (1500, 1500)]


def run(*words):
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    return generate.run(parser.parse_args([str(word) for word in words]))


def test_command_prints_the_rows_of_each_file(tmp_path, capsys):
    assert run(tmp_path, "--products", 100, "--seed", 3) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"{tmp_path}/product.csv: 100 rows"
    assert len(out.splitlines()) == len(HEADERS)
    assert err == ""


def test_command_makes_the_full_catalogue_unless_told():
    parser = argparse.ArgumentParser()
    generate.add_arguments(parser)
    assert parser.parse_args(["somewhere"]).products == FULL["product.csv"]


@pytest.mark.parametrize("words", [("--products", "0"), ()])
def test_command_says_what_is_wrong(tmp_path, capsys, words):
    (tmp_path / "file").touch()
    assert run(tmp_path / "file", *words) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("etl generate: ")
    assert len(err.splitlines()) == 1


def test_bar_shows_share_rate_and_the_end():
    stream = io.StringIO()
    draw = progress.bar(stream, "products")
    draw(500, 1000)
    assert f"[{'#' * 15}{' ' * 15}] 500 of 1,000 products, " in stream.getvalue()
    assert not stream.getvalue().endswith("\n")
    draw(1000, 1000)
    assert stream.getvalue().endswith("0 s left\x1b[K\n")
