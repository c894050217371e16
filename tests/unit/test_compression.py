"""Members whose ends are replaced unpack to what they would have been packed from."""

import gzip
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.cache import compression

BYTES = st.binary(max_size=300)
TEXTS = st.text("aé{}\n", max_size=2000).map(str.encode)


@given(head=BYTES, middle=st.one_of(BYTES, TEXTS), tail=BYTES, new_head=BYTES, new_tail=st.one_of(BYTES, TEXTS))
@example(b"", b"", b"", b"", b"")
@example(b"a", b"b" * 100_000, b"c", b"d" * 65_535, b"e" * 100_000)
def test_the_middle_of_a_member_is_taken_as_it_is(head, middle, tail, new_head, new_tail):
    new_tail = new_tail.ljust(len(tail))
    member = compression.compress_between(head, middle, tail)
    assert gzip.decompress(member) == compression.decompress(member) == head + middle + tail
    joined = compression.with_ends(member, (head, tail), (new_head, new_tail))
    assert gzip.decompress(joined) == compression.decompress(joined) == new_head + middle + new_tail
    reader = zlib.decompressobj(31)
    assert (reader.decompress(joined), reader.unused_data) == (new_head + middle + new_tail, b"")


@pytest.mark.parametrize(
    "member",
    [
        compression.compress(b'{"id":1}' * 200),
        gzip.compress(b'{"id":1}' * 200, mtime=0),
        compression.compress_between(b'{"id":', b"1}" * 500, b""),
        compression.compress_between(b"", b'{"id":' + b"1}" * 500, b"}"),
        compression.compress_between(b'{"idea":', b"1}" * 500, b"}"),
        b"",
    ],
)
def test_a_member_that_was_made_otherwise_is_not_touched(member):
    assert compression.with_ends(member, (b'{"id":', b"}"), (b"[", b"]")) is None


def test_a_head_that_is_too_long_for_a_block_is_packed_anew():
    member = compression.compress_between(b"a", b"b" * 2000, b"c")
    assert compression.with_ends(member, (b"a", b"c"), (b"d" * 65_536, b"e")) is None
