import pytest

from service.cache.entry import Entry, State

ENTRY = Entry(State.PRESENT, 1_795_000_000_000_000, 7, 1234.5, "0123456789abcdef", b'{"name":"caf\xc3\xa9"}', 9)


@pytest.mark.parametrize("entry", [ENTRY, Entry(State.MISSING, 3, 0, 9.0), Entry(State.TOMBSTONE, 3, 2**53)])
def test_an_entry_comes_back_as_it_went(entry):
    assert Entry.decode(entry.encode()) == entry


@pytest.mark.parametrize(
    "stored", [b"", b"x", ENTRY.encode()[:51], b"\x01" + ENTRY.encode()[1:], b"\x02\x09" + ENTRY.encode()[2:]]
)
def test_bytes_of_another_release_are_no_entry(stored):
    assert Entry.decode(stored) is None
