"""Headers become columns, and lines become what COPY can read, without any database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import chunks, lines
from etl.files import FILES, LoadError, Source, columns_of, sources
from tests import catalogue_files

BY_NAME = {file.name: file for file in FILES}


def test_header_names_are_columns_in_whatever_order_and_however_padded():
    assert columns_of(
        BY_NAME["styles.csv"], b' name, id,productId ,"sale_price",original_price,  default_style\r\n'
    ) == (*("name", "id", "product_id", "sale_price", "original_price", "default_style"),)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"id,styleId,size,quantity,colour", "unknown in the header: 'colour'"),
        (b"id,style_id,size,quantity", "unknown in the header: 'style_id'"),
        (b"id,styleId,size", "missing in the header: 'quantity'"),
        (b"id,styleId,size,quantity,size", "repeated in the header: 'size'"),
        (b'1,1,"XL",8', "unknown in the header"),
        (b"\n", "missing in the header"),
        (b'id,"styleId,size,quantity', "this is not a header"),
        (b"id,styleId,size,\xff", "this is not a header"),
        (b"x" * 100_000, "unknown in the header: 'xxx"),
    ],
)
def test_any_other_header_is_refused(header, problem):
    with pytest.raises(LoadError, match=f"^skus.csv, line 1: {problem}") as refused:
        columns_of(BY_NAME["skus.csv"], header)
    assert len(str(refused.value)) < 300


def test_only_features_may_come_without_a_header(tmp_path):
    found = {source.file.name: source for source in sources(catalogue_files.write(tmp_path, catalogue_files.older()))}
    assert [name for name, source in found.items() if not source.has_header] == ["features.csv"]
    assert found["features.csv"].columns == ("id", "product_id", "feature", "value")


def test_every_missing_file_is_named(tmp_path):
    (tmp_path / "product.csv").touch()
    with pytest.raises(LoadError, match=r"^features.csv, styles.csv, skus.csv, related.csv, photos.csv not found"):
        sources(tmp_path)


def read(source, monkeypatch, chunk_bytes):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
    progress = []
    stream = lines.Lines(source, lambda done, total: progress.append((done, total)))
    texts = list(iter(stream.read, b""))
    assert all(text.endswith(b"\n") for text in texts)
    return b"".join(texts), stream, progress


@pytest.mark.parametrize("chunk_bytes", [1, 50, 1 << 20])
def test_lines_are_mended_wherever_chunks_end(tmp_path, monkeypatch, chunk_bytes):
    source = {s.file.name: s for s in sources(catalogue_files.write(tmp_path))}["photos.csv"]
    text, stream, progress = read(source, monkeypatch, chunk_bytes)
    expected = catalogue_files.FILES["photos.csv"].replace("c?w=2\n", 'c?w=2"\n')
    assert text.decode().partition("\n")[2] == expected.partition("\n")[2]
    assert (stream.read_rows, stream.mended_ids) == (3, [4])
    size = source.path.stat().st_size
    assert progress[-1] == (size, size)


@pytest.mark.parametrize("chunk_bytes", [1, 1 << 20])
def test_only_a_price_loses_its_label(tmp_path, monkeypatch, chunk_bytes):
    source = sources(catalogue_files.write(tmp_path, catalogue_files.older()))[0]
    text, stream, _ = read(source, monkeypatch, chunk_bytes)
    assert text.decode().splitlines()[1:] == catalogue_files.FILES["product.csv"].splitlines()[1:]
    assert stream.mended_ids == []


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    files = catalogue_files.edited("skus.csv", b'"One, or two"', b'"' + b"x" * 1000 + b'"')
    source = {s.file.name: s for s in sources(catalogue_files.write(tmp_path, files))}["skus.csv"]
    monkeypatch.setattr(chunks, "LONGEST_LINE_BYTES", 100)
    with pytest.raises(LoadError, match=r"^skus.csv, line 4: longer than 100 bytes"):
        read(source, monkeypatch, 1)


@given(st.lists(st.text('a",\\.', min_size=1, max_size=8), max_size=20), st.sampled_from([1, 5, 1 << 20]))
def test_no_line_has_an_odd_quote_and_no_other_line_is_changed(tmp_path_factory, given_lines, chunk_bytes):
    path = tmp_path_factory.mktemp("lines") / "photos.csv"
    path.write_text("\n".join(given_lines) + "\n" if given_lines else "")
    source = Source(BY_NAME["photos.csv"], path, ("url", "id", "style_id", "thumbnail_url"), has_header=False)
    with pytest.MonkeyPatch.context() as patch:
        text, stream, _ = read(source, patch, chunk_bytes)
    expected = [line + '"' * (line.count('"') % 2) for line in given_lines]
    assert text.decode().splitlines()[1:] == ['"\\."' if line == "\\." else line for line in expected]
    assert stream.read_rows == len(given_lines)
