"""Files that cannot be loaded: the error names file and line, and the old catalogue is as it was."""

import gzip

import pytest

from etl.files import LoadError
from tests import catalogue_files
from tests.catalogue_files import FILES, edited
from tests.integration.databases import catalogue, structure
from tests.integration.loads import At, run

BROKEN = [
    ("product.csv", b',"Kilts",0', b',"Kilts"', 3, "missing data for column"),
    ("product.csv", b',"Kilts",0', b',"Kilts",0,0', 3, "extra data after last expected column"),
    ("product.csv", b',"Kilts",0', b',"Kilts",4.5', 3, "invalid input syntax for type integer"),
    ("product.csv", b',"Kilts",0', b',"Kilts",-1', 3, "products_default_price_check"),
    ("product.csv", b',"Kilts",0', b',"Kilts",default_price: x', 3, "invalid input syntax for type integer"),
    ("product.csv", b',"Kilts",0', b',"Kilts",2147483648', 3, "out of range"),
    ("product.csv", b'"Tin Kilt"', b"null", 3, 'null value in column "name"'),
    ("product.csv", b"2,", b"0,", 3, "products_id_check"),
    ("product.csv", b"2,", b"null,", 3, 'null value in column "id"'),
    ("product.csv", b"Tin Kilt", b"Tin\0Kilt", 3, "invalid byte sequence"),
    ("product.csv", b"Tin Kilt", b"Tin \xff", 3, "invalid byte sequence"),
    ("product.csv", b'"Tin Kilt"', b"Tin\nKilt", 3, "missing data for column"),
    ("product.csv", b"\n7,", b"\n1,", 4, "id 1 was already in line 2"),
    ("product.csv", b"\n2,", b"\n\n2,", 3, "invalid input syntax for type integer"),
    ("product.csv", b"\n7,", b"\r\n\r\n\r\n7,", 4, "invalid input syntax for type integer"),
    ("product.csv", b"\n2,", b"\n\\.\n2,", 3, "invalid input syntax for type integer"),
    ("product.csv", b',"Kilts",0\n', b',"Kilts",0\r\r\n', 3, "carriage return"),
    ("product.csv", b',"Kilts",0\n', b',"Kilts",0\r', 3, "carriage return"),
    ("product.csv", b'"Tin Kilt"', b'"Tin Kilt', 3, "a quote is not closed"),
    ("product.csv", b'"Smocks"', b'"Smocks', 4, "a quote is not closed"),
    ("product.csv", b'"Tin Kilt"', b'"Tin "Kilt"', 3, "a quote is not closed"),
    ("product.csv", b'"Tin Kilt"', b'"Tin\n\nKilt",""', 3, "extra data after last expected column"),
    ("product.csv", b'"Fog Anorak"', b'"Fog\r\nAnorak","', 2, "a quote is not closed"),
    ("product.csv", b'"Fog Anorak","For grey mornings"', b'"Fog\r\nAnorak\n","x",1', 2, "extra data"),
    ("features.csv", b"id,product_id,feature,value\n1,1,", b'1,1,"\n\n",', 1, "extra data after last expected column"),
    ("features.csv", b"id,product_id,feature,value\n1,1", b"1,1\r2,2", 1, "carriage return"),
    ("features.csv", b'1,"Shell","Waxed"\n2', b'1,"Shell","Wa\nxed"\n1', 4, "id 1 was already in line 2"),
    ("photos.csv", b'"https://img.example/d"', b'"https://img.example\n/d"', 4, "missing data for column"),
    ("features.csv", b"id,product_id,feature,value\n1", b"0", 1, "features_id_check"),
    ("features.csv", b"3,2,", b"1,2,", 4, "id 1 was already in line 2"),
    ("styles.csv", b"0,140,0", b"0,140,maybe", 3, "invalid input syntax for type boolean"),
    ("styles.csv", b"0,140,0", b"0,null,0", 3, 'null value in column "original_price"'),
    ("photos.csv", b"9,2,", b"9,two,", 4, "invalid input syntax for type integer"),  # below a mended line
    ("photos.csv", b'9,2,"', b'9,"', 4, "invalid input syntax for type integer"),
    ("photos.csv", b"id,styleId", b"id,style", 1, "unknown in the header"),
    ("skus.csv", b"6,5,", b'"2",5,', 4, "id 2 was already in line 3"),
    ("related.csv", b"3,1,1", b"3,1,-1", 4, "related_product_id_check"),  # below a refused line
    ("related.csv", b"2,1,0", b"2,1,null", 3, 'null value in column "related_product_id"'),
]


@pytest.mark.parametrize(("name", "old", "new", "line", "problem"), BROKEN)
def test_a_broken_line_is_named_and_nothing_changes(old_url, tmp_path, name, old, new, line, problem):
    directory = catalogue_files.write(tmp_path, edited(name, old, new))
    before = catalogue(old_url), structure(old_url)
    with pytest.raises(LoadError, match=rf"^{name}, line {line}: .*{problem}"):
        run(old_url, directory)
    assert (catalogue(old_url), structure(old_url)) == before


def test_a_repeated_id_is_found_in_a_file_without_header(old_url, tmp_path):
    files = catalogue_files.older()
    files["features.csv"] = files["features.csv"].replace("4,1,", "1,1,")
    with pytest.raises(LoadError, match=r"^features.csv, line 4: id 1 was already in line 1"):
        run(old_url, catalogue_files.write(tmp_path, files))


@pytest.mark.parametrize("name", [name for name in FILES if name != "cart.csv"])
def test_a_file_that_cannot_be_read_is_named(old_url, files, name):
    before = catalogue(old_url)
    (files / name).unlink()
    with pytest.raises(LoadError, match=f"^{name} not found"):
        run(old_url, files)
    (files / name).touch()
    with pytest.raises(LoadError, match=f"^{name} is empty"):
        run(old_url, files)
    (files / name).unlink()
    (files / name).mkdir()
    with pytest.raises(LoadError, match=f"^{name} cannot be read: Is a directory"):
        run(old_url, files)
    assert catalogue(old_url) == before


def unchanged(url, directory, problem):
    before = catalogue(url), structure(url)
    with pytest.raises(LoadError, match=problem):
        run(url, directory)
    assert (catalogue(url), structure(url)) == before


def test_a_gzip_that_is_cut_off_is_named_with_the_line(old_url, tmp_path):
    text = FILES["skus.csv"] + "".join(f'\n{number},5,"M",{number**2 % 9973}' for number in range(10, 200_000))
    packed = gzip.compress(text.encode())
    files = {name: text for name, text in FILES.items() if name != "skus.csv"} | {"skus.csv.gz": packed[:-20]}
    unchanged(old_url, catalogue_files.write(tmp_path, files), r"^skus.csv.gz, line 19\d{4}: from here on it cannot be")


def test_a_file_and_its_gzip_cannot_both_be_meant(old_url, files):
    for name, text in FILES.items():
        (files / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        unchanged(old_url, files, rf"^{name} and {name}.gz are both in")
        (files / f"{name}.gz").unlink()


def test_carts_are_read_as_the_others(old_url, tmp_path):
    directory = catalogue_files.write(tmp_path, edited("cart.csv", b"2,13", b'2,"13'))
    unchanged(old_url, directory, "^cart.csv, line 3: a quote is not closed")


def test_two_rows_without_their_last_quote_are_not_taken_for_one(old_url, tmp_path):
    files = edited("features.csv", b'2,1,"Lining",null\n3,2,"Lining","null"', b'2,1,"Lining","x\n3,2,"Lining","null')
    unchanged(old_url, catalogue_files.write(tmp_path, files), "^features.csv, line 3: a quote is not closed")


def test_a_file_that_vanishes_while_loading_is_named(old_url, files):
    before = catalogue(old_url), structure(old_url)
    with pytest.raises(LoadError, match=r"^skus.csv cannot be read: No such file"):
        run(old_url, files, At("styles.csv", (files / "skus.csv").unlink))
    assert (catalogue(old_url), structure(old_url)) == before


def test_the_database_must_be_migrated(empty_database_url, files):
    with pytest.raises(LoadError, match=r"has no features, photos, .* run python -m migrations first"):
        run(empty_database_url, files)
    assert structure(empty_database_url) == {("schema", "public"): ""}
