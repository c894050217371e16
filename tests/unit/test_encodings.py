"""Who is sent gzip, by RFC 9110 12.5.3, and which tags name a document."""

import time

import pytest
from werkzeug.http import parse_etags

from service.web import encodings
from tests.worker.requests import ENCODINGS


@pytest.mark.parametrize(("given", "gzip"), ENCODINGS.items())
def test_gzip_is_for_who_asks_for_it_at_least_as_much_as_for_plain_bytes(given, gzip):
    assert encodings.accepts_gzip(given) == gzip


@pytest.mark.parametrize("repeated", [",", "gzip;", ";q=", " ", "gzip;q=0.", "a,", "\t;"])
def test_the_longest_header_is_read_in_no_time(repeated):
    began = time.perf_counter()
    encodings.accepts_gzip(repeated * (8000 // len(repeated)))
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ('"a"', True),
        ('"a-gzip"', True),
        ('W/"a"', True),
        ('W/"a-gzip"', True),
        ('"b", "a-gzip"', True),
        ("*", True),
        ('"a-gzip-gzip"', False),
        ('"-gzip"', False),
        ('"b"', False),
        ("", False),
    ],
)
def test_either_tag_names_a_document(given, known):
    assert encodings.is_known_by(given, "a") == encodings.is_known(parse_etags(given), "a") == known
