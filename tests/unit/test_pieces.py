"""Lines become rows, and numbers are found in them, as COPY would read them."""

import csv
import io
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import chunks
from etl.fields import row
from etl.files import FILES, LoadError, Source, sources
from etl.ids import Ids
from etl.lines import Lines
from etl.pieces import pieces
from etl.sample import Sample
from tests import catalogue_files

BY_NAME = {file.name: file for file in FILES}
FEATURE = ("id", "product_id", "feature", "value")


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", codec="utf-8")), min_size=2, max_size=2))
def test_any_text_is_read_as_it_was_written(texts):
    line = ",".join(["7", '"8"', *map(quoted, texts)])
    assert [*row(FEATURE, line.encode()).values()] == [7, 8, *texts]
    assert next(csv.reader(io.StringIO(line), strict=True))[2:] == texts


@pytest.mark.parametrize(
    ("field", "value"),
    [(b"null", None), (b'"null"', "null"), (b"", ""), (b'""', ""), (b'a"b,c"d', "ab,cd"), (b'"a"""', 'a"')],
)
def test_only_a_bare_null_is_no_value(field, value):
    assert row(FEATURE, b"1,2,x," + field)["value"] == value


@pytest.mark.parametrize(("line", "reason"), [(b"1,2,x", "3 values in 4"), (b"1,x,y,z", "invalid literal")])
def test_a_line_that_is_no_row_says_why(line, reason):
    with pytest.raises(ValueError, match=reason):
        row(FEATURE, line)


def read(source, columns, monkeypatch, chunk_bytes):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
    return [*pieces(source, columns, Lines(source, lambda _done, _total: None))]


@pytest.mark.parametrize("chunk_bytes", [1, 60, 1 << 20])
@pytest.mark.parametrize("files", [catalogue_files.FILES, catalogue_files.older(), catalogue_files.reordered()])
def test_numbers_are_found_whatever_the_order_of_columns(tmp_path, monkeypatch, files, chunk_bytes):
    found = {source.file.name: source for source in sources(catalogue_files.write(tmp_path, files))}
    columns = ["related_product_id", "product_id"]
    read_pieces = read(found["related.csv"], columns, monkeypatch, chunk_bytes)
    values = {name: [number for piece in read_pieces for number in piece.numbers[name]] for name in columns}
    assert values == {"product_id": [1, 1, 1, 1, 7], "related_product_id": [2, 0, 1, 2, 99]}
    prices = read(found["product.csv"], ["default_price"], monkeypatch, chunk_bytes)
    assert [price for piece in prices for price in piece.numbers["default_price"]] == [140, 0, 500000000]


@pytest.mark.parametrize("chunk_bytes", [1, 60, 1 << 20])
@pytest.mark.parametrize(("header", "line"), [(b"", 3), (b"id,styleId,size,quantity\n", 4)])
def test_a_line_without_its_number_is_named(tmp_path, monkeypatch, header, line, chunk_bytes):
    path = tmp_path / "skus.csv"
    path.write_bytes(header + b'1,2,"M",3\n2,2,"L",3\nthree,2,"XL",3\n4,2,"S",3')
    source = Source(BY_NAME["skus.csv"], path, ("id", "style_id", "size", "quantity"), has_header=bool(header))
    with pytest.raises(LoadError, match=f"^skus.csv, line {line}: no number for id"):
        read(source, ["id"], monkeypatch, chunk_bytes)


@given(st.sets(st.integers(1, 2**31 - 1)), st.sets(st.integers(1, 2**31 - 1)))
def test_ids_are_a_set(inside, outside):
    ids = Ids()
    ids.update(inside)
    assert ids.missing(inside | outside) == outside - inside


def test_every_product_is_as_likely_to_be_drawn(tmp_path):
    path = tmp_path / "product.csv"
    path.write_text("".join(f'{number},"n","s","d","c",1\n' for number in range(1, 101)))
    source = Source(BY_NAME["product.csv"], path, tuple(BY_NAME["product.csv"].columns.values()), has_header=False)
    [piece] = pieces(source, ["id"], Lines(source, lambda _done, _total: None))
    drawn = dict.fromkeys(range(1, 101), 0)
    random = Random(1)
    for _ in range(500):
        sample = Sample(20, random)
        sample.draw(piece)
        ids = [product_id for product_id, _ in sample.documents()]
        assert len(set(ids)) == len(ids) == len(sample) == 20
        for product_id in ids:
            drawn[product_id] += 1
    assert min(drawn.values()) > 60
    assert max(drawn.values()) < 140
