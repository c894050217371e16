import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cache.entry import Document, Entry, State

ENTRY = Entry(State.PRESENT, 1_795_000_000_000_000, 7, 1234.5, "0123456789abcdef", b'{"name":"caf\xc3\xa9"}', 9)


@pytest.mark.parametrize(
    "entry", [ENTRY, ENTRY._replace(is_gzipped=True), Entry(State.MISSING, 3, 0, 9.0), Entry(State.TOMBSTONE, 3, 2**53)]
)
def test_an_entry_comes_back_as_it_went(entry):
    assert Entry.decode(entry.encode()) == entry


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"x",
        ENTRY.encode()[:51],
        *(bytes([release]) + ENTRY.encode()[1:] for release in (1, 2)),
        b"\x03\x09" + ENTRY.encode()[2:],
    ],
)
def test_bytes_of_another_release_are_no_entry(stored):
    assert Entry.decode(stored) is None


@given(st.binary(max_size=3000) | st.text(max_size=3000).map(str.encode))
def test_a_document_above_a_kilobyte_is_compressed_once_and_its_bytes_come_back(body):
    document = Document(body, "0123456789abcdef", 1, 2)
    kept = document.compressed()
    assert kept.is_gzipped == (len(body) > 1024)
    assert kept.plain_body() == document.plain_body() == body
    assert kept.compressed() == kept
    assert kept[1:5] == document[1:5]


def test_a_gzipped_body_is_the_same_each_time_and_anyone_reads_it():
    body = b'{"thumbnail_url":"https://images.example.com/photo"}' * 100
    kept = [Document(body, "", 1, 2).compressed().body for _ in range(3)]
    assert len(set(kept)) == 1
    assert len(kept[0]) < len(body) / 4
    assert kept[0][4:8] == b"\0\0\0\0"  # no time
    assert gzip.decompress(kept[0]) == body


def test_what_is_not_there_is_not_compressed():
    missing = Document(None, "", 1, 0)
    assert missing.compressed() == missing
    assert missing.plain_body() is None
