"""The files as people's tools leave them are the same records, wherever chunks end; what is broken is named."""

import csv
import gzip
import io
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import chunks, lines
from etl.errors import LoadError
from etl.files import FILES, Source, sources
from etl.lines import Lines, first_line, lines_with_id
from etl.pieces import pieces
from tests import catalogue_files

BY_NAME = {file.name: file for file in FILES}
FEATURE = tuple(BY_NAME["features.csv"].columns.values())
BOM = b"\xef\xbb\xbf"
SIZES = pytest.mark.parametrize("chunk_bytes", [1, 7, 1 << 20])
ROWS = b'1,1,"Shell","Waxed"\n2,1,"Lining",null\n3,2,"Lining","null"\n'


def quiet(_done, _total):
    pass


@pytest.fixture
def source(tmp_path, monkeypatch):
    def write(text, chunk_bytes=1 << 20, name="features.csv"):
        monkeypatch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
        path = tmp_path / name
        path.write_bytes(text)
        file = BY_NAME[name.removesuffix(".gz")]
        return Source(file, path, tuple(file.columns.values()), has_header=False)

    return write


def read(source):
    stream = Lines(source, quiet)
    header, *texts = iter(stream.read, b"")
    assert header == b"header\n"
    return b"".join(texts), stream.read_rows


@SIZES
@pytest.mark.parametrize(
    "text",
    [
        ROWS,
        ROWS.rstrip(b"\n"),
        ROWS.replace(b"\n", b"\r\n"),
        ROWS.replace(b"\n", b"\r\n").rstrip(),
        ROWS.replace(b"\n", b"\r\n").rstrip(b"\n"),
        ROWS.replace(b"\n", b"\r\n", 1),
        BOM + ROWS,
        ROWS + b"\n\n\n",
        ROWS + b"\r\n\n\r\n",
        BOM + ROWS.replace(b"\n", b"\r\n") + b"\r\n",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_is_the_same_rows(source, text, chunk_bytes, packed):
    name, text = ("features.csv.gz", gzip.compress(text)) if packed else ("features.csv", text)
    assert read(source(text, chunk_bytes, name)) == (ROWS, 3)


@SIZES
@pytest.mark.parametrize("name", [file.name for file in FILES if file.name != "photos.csv"])
def test_a_line_end_in_quotes_is_part_of_the_value(source, name, chunk_bytes):
    values = [b'"a\nb"', b'"a\r\nb"', b'"\r"', b'"a\n\n"', b'"\n""\n"', b'"x\n","\ny"', b'"1\n2,1,3\n\\.\n"']
    text = b"".join(b"%d,1,%s\r\n" % row for row in enumerate(values, start=1))
    expected = b"".join(b"%d,1,%s\n" % row for row in enumerate(values, start=1))
    assert read(source(text, chunk_bytes, name)) == (expected, 7)


@given(
    st.lists(st.tuples(st.text('a",\r\n\\.', max_size=6), st.text('"\n', max_size=3)), max_size=8),
    st.lists(st.sampled_from(["\n", "\r\n"]), min_size=1, max_size=3),
    st.sampled_from([1, 5, 1 << 20]),
)
def test_values_are_those_that_another_reader_finds(tmp_path_factory, values, ends, chunk_bytes):
    text = io.StringIO(newline="")
    for number, (value, end) in enumerate(zip(values, cycle(ends), strict=False)):
        csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator=end).writerow([number, 1, *value])
    path = tmp_path_factory.mktemp("lines") / "features.csv"
    path.write_bytes(text.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
        rows = rows_of(Source(BY_NAME["features.csv"], path, FEATURE, has_header=False))
    found = [(row["feature"], row["value"]) for row in rows]
    assert found == values
    assert found == [tuple(row[2:]) for row in csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)]


@SIZES
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_in_photos_an_unclosed_quote_ends_with_its_line(source, chunk_bytes, end):
    text = end.join([b'4,1,"c","c?w=2', b'9,2,"d","d?w=2"', b""])
    assert read(source(text, chunk_bytes, "photos.csv")) == (b'4,1,"c","c?w=2"\n9,2,"d","d?w=2"\n', 2)


@SIZES
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b'1,1,"a","b\n2,1,"c","d"\n', 1),
        (b'1,1,"a","b"\n2,1,"c","d', 2),
        (b'1,1,"a\n\nb","b"\n2,1,"c","d\n3,1,"e","f"\n', 4),
        (b'1,1,"a","b"\n2,1,"c","d\n3,1,"e","f\n4,1,"g","h"\n', 2),  # COPY would take them for one row
        (b'1,1,"a","b"\r\n2,1,"5" wide","d"\r\n3,1,"e","f"\r\n', 2),
    ],
)
def test_elsewhere_it_is_named(source, text, line, chunk_bytes):
    with pytest.raises(LoadError, match=rf"^features.csv, line {line}: a quote is not closed"):
        read(source(text, chunk_bytes))


def test_an_unclosed_quote_does_not_fill_the_memory(source, monkeypatch):
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 1000)
    unclosed = source(ROWS + b'4,1,"Shell","Waxed\n' + b"5,1,2,3\n" * 10_000, 100)
    stream = Lines(unclosed, quiet)
    with pytest.raises(LoadError, match=r"^features.csv, line 4: a quote is not closed"):
        [*iter(stream.read, b"")]


@SIZES
def test_a_blank_line_that_rows_follow_is_left_for_copy_to_refuse(source, chunk_bytes):
    text, _ = read(source(b"1,1,a,b\n\r\n\n2,1,a,b\n", chunk_bytes))
    assert text.startswith(b"1,1,a,b\n\n")


@SIZES
@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n\r\n"])
def test_below_a_header_there_may_be_nothing(tmp_path, monkeypatch, chunk_bytes, text):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", chunk_bytes)
    files = catalogue_files.FILES | {"skus.csv": BOM + b"id,styleId,size,quantity\r\n" + text}
    found = {s.file.name: s for s in sources(catalogue_files.write(tmp_path, files))}["skus.csv"]
    assert read(found) == (b"", 0)


def rows_of(source):
    read_pieces = pieces(source, ["id"], Lines(source, quiet))
    return [piece.row(offset) for piece in read_pieces for offset in range(len(piece.records))]


@SIZES
def test_records_are_found_by_their_first_line(source, chunk_bytes):
    text = b'1,1,"a\n7,7,x\n","b"\n2,1,"c","d"\r\n7,1,"\r\n\n",null\n7,2,e,f\n'
    spanning = source(text, chunk_bytes)
    assert lines_with_id(spanning, 7) == [5, 8]
    assert [first_line(spanning, line) for line in range(1, 9)] == [1, 1, 1, 4, 5, 5, 5, 8]
    numbers = [piece.numbers["id"] for piece in pieces(spanning, ["id", "product_id"], Lines(spanning, quiet))]
    assert [number for each in numbers for number in each] == [1, 2, 7, 7]
    assert [(row["feature"], row["value"]) for row in rows_of(spanning)] == [
        ("a\n7,7,x\n", "b"),
        ("c", "d"),
        ("\r\n\n", None),
        ("e", "f"),
    ]


@SIZES
def test_below_a_record_of_several_lines_the_numbers_are_right(source, chunk_bytes):
    wrong = source(b'1,1,"a\n\n","b"\n2,1,c\n', chunk_bytes)
    with pytest.raises(LoadError, match=r"^features.csv, line 4: 3 values in 4 columns"):
        [
            piece.row(offset)
            for piece in pieces(wrong, ["id"], Lines(wrong, quiet))
            for offset in range(len(piece.records))
        ]
    wrong = source(b'1,1,"a\n\n","b"\ntwo,1,c,d\n', chunk_bytes)
    with pytest.raises(LoadError, match=r"^features.csv, line 4: no number for id"):
        [*pieces(wrong, ["id"], Lines(wrong, quiet))]


def test_a_gzip_may_have_several_members(source):
    text = gzip.compress(ROWS[:30]) + gzip.compress(ROWS[30:])
    assert read(source(text, name="features.csv.gz")) == (ROWS, 3)


def test_a_gzip_is_read_in_pieces_and_its_progress_is_that_of_the_file(source):
    bomb = source(gzip.compress(b"1,1,a,b\n" * 2_000_000), name="features.csv.gz")
    told = []
    stream = Lines(bomb, lambda done, total: told.append((done, total)))
    assert max(map(len, iter(stream.read, b""))) <= 2 * chunks.CHUNK_BYTES
    assert stream.read_rows == 2_000_000
    assert told == sorted(set(told))
    assert told[-1] == (bomb.path.stat().st_size,) * 2


def test_blank_lines_without_end_do_not_fill_the_memory(source):
    assert read(source(gzip.compress(ROWS + b"\n" * 50_000_000), name="features.csv.gz")) == (ROWS, 3)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda packed: packed[:-20], 100_000),
        (lambda packed: packed[:-8] + bytes(8), 100_001),
        (lambda packed: packed + b"more", 100_001),
        (lambda _packed: ROWS, 1),
        (lambda packed: packed[:10], 1),
    ],
)
def test_a_broken_gzip_is_named_with_the_line(source, damage, line):
    text = b"".join(b'%d,%d,"Shell",%d\n' % (n, n * n % 9973, n**3 % 99991) for n in range(1, 100_001))
    broken = source(damage(gzip.compress(text)), name="features.csv.gz")
    with pytest.raises(LoadError, match=r"^features.csv.gz, line \d+: from here on it cannot be unpacked: ") as refused:
        read(broken)
    named = int(str(refused.value).split()[2].rstrip(":"))
    assert abs(named - line) < 20


def test_a_file_and_its_gzip_cannot_both_be_meant(tmp_path):
    directory = catalogue_files.write(tmp_path)
    (directory / "skus.csv.gz").write_bytes(gzip.compress((directory / "skus.csv").read_bytes()))
    with pytest.raises(LoadError, match=r"^skus.csv and skus.csv.gz are both in"):
        sources(directory)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [b'"id","styleId","size","quantity"', b" id , styleId,size ,quantity"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path, header, packed):
    files = {name: text for name, text in catalogue_files.FILES.items() if name != "skus.csv"}
    text = BOM + header + b"\r\n"
    files |= {"skus.csv.gz": gzip.compress(text)} if packed else {"skus.csv": text}
    found = {s.file.name: s for s in sources(catalogue_files.write(tmp_path, files))}["skus.csv"]
    assert found.columns == ("id", "style_id", "size", "quantity")


def test_a_byte_order_mark_does_not_make_a_header(tmp_path):
    files = catalogue_files.older()
    files["features.csv"] = BOM + files["features.csv"].encode()
    assert not sources(catalogue_files.write(tmp_path, files))[1].has_header


def test_nothing_but_a_byte_order_mark_is_nothing(tmp_path):
    with pytest.raises(LoadError, match=r"^skus.csv is empty"):
        sources(catalogue_files.write(tmp_path, catalogue_files.FILES | {"skus.csv": BOM}))
