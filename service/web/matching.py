"""Matches a read of one document by its bytes.

That is a GET or HEAD of ``/products/{id}``, ``…/styles`` or ``…/related``, HTTP/1.1, without query or body, whose
headers say nothing about the connection, a body, or an encoding of one. What does not match beyond doubt is answered by
gunicorn's parser and Flask.
"""

from __future__ import annotations

import functools
import re
import string
import time
from collections.abc import Callable
from typing import NamedTuple

from service import logs
from service.catalogue import Key, Kind
from service.web.encodings import accepts_gzip
from service.web.schemas import LARGEST_ID

# What these say may change the answer, as may whatever one of them says twice; all other headers do not.
_ONCE = (b"host", b"if-none-match", b"x-request-id", b"x-forwarded-proto", b"accept-encoding", b"origin")
_NEVER = (b"connection", b"content-length", b"content-type", b"transfer-encoding", b"expect", b"upgrade", b"te",
          b"trailer", b"http2-settings")  # fmt: skip
_INITIALS = sorted({name[:1] for name in (*_ONCE, *_NEVER)})


def _in_any_case(name: bytes) -> bytes:
    # Not by re.IGNORECASE: whether the next byte is of a set is seen before an alternative is tried.
    return re.sub(rb"[a-z]", lambda letter: b"[%b%b]" % (letter[0], letter[0].upper()), name)


# A name is a token without "_", which gunicorn treats apart; in values stands what every reader of headers reads alike.
_TOKEN = b"!#$%&'*+-.^`|~" + string.digits.encode() + string.ascii_letters.encode()
_VALUE = rb"[\t\x20-\x7e]*+"
_OTHERS = re.escape(bytes(set(_TOKEN) - set(b"".join(name + name.upper() for name in _INITIALS))))
_REST_OF_LINE = rb"[%b]*+:%b" % (re.escape(_TOKEN), _VALUE)


def _once(group: int, name: bytes, value: bytes) -> bytes:
    """A line that may come once: ``group``, which is empty, says that there was one."""
    return rb"%b:(?(%d)(?!))()[\t ]*+%b" % (_in_any_case(name), group, value)


def _other(initial: bytes) -> bytes:
    """A line whose name begins as one that matters, and is none."""
    matter = (_in_any_case(name[1:]) for name in (*_ONCE, *_NEVER) if name.startswith(initial))
    return rb"%b(?!(?:%b):)%b" % (_in_any_case(initial), b"|".join(matter), _REST_OF_LINE)


# No line matches in two ways, and what has matched of one is not tried again (++, *+): a refusal takes linear time.
_LINES = (
    rb"[%b]%b" % (_OTHERS, _REST_OF_LINE),
    _once(4, b"host", rb"[A-Za-z0-9.-]++(?::[0-9]{1,5}+)?+[\t ]*+"),
    _once(5, b"x-request-id", rb"(?:(%b)[\t ]*+(?=\r)|%b)" % (logs.ACCEPTED.encode(), _VALUE)),
    _once(7, b"x-forwarded-proto", _VALUE),
    _once(8, b"if-none-match", rb"(%b)" % _VALUE),
    _once(10, b"accept-encoding", rb"(%b)" % _VALUE),
    _once(12, b"origin", rb"(%b)" % _VALUE),
    *map(_other, _INITIALS),
)
_REQUEST = re.compile(
    rb"(GET|HEAD) /products/([1-9][0-9]{0,9})(/styles|/related)? HTTP/1\.1\r\n(?:(?:%b)\r\n)*\r\n" % b"|".join(_LINES)
)

# Within every limit that gunicorn has on lines, fields and their number.
_LONGEST_BYTES = 4096

SUFFIXES = {Kind.PRODUCT: "", Kind.STYLES: "/styles", Kind.RELATED: "/related"}
"""What follows a product's id in the path of each kind that has one."""

_KINDS = {suffix.encode() or None: kind for kind, suffix in SUFFIXES.items()}


class Read(NamedTuple):
    """A read of one document.

    ``known`` is its If-None-Match, ``origin`` its Origin; ``arrived`` is on the clock of ``time.perf_counter``.
    ``accepts_gzip`` says in which form a document is sent that is stored gzipped.
    """

    method: bytes
    key: Key
    known: str | None
    request_id: bytes
    arrived: float
    origin: bytes | None
    accepts_gzip: bool


# Half the cost of their own constructors, which sort out names of arguments.
_new_key: Callable[[tuple[Kind, int]], Key] = functools.partial(tuple.__new__, Key)
_new_read: Callable[[tuple[bytes, Key, str | None, bytes, float, bytes | None, bool]], Read]
_new_read = functools.partial(tuple.__new__, Read)


def match(raw: bytes) -> Read | None:
    """The read that these bytes are, or None."""
    matched = _REQUEST.fullmatch(raw)
    if matched is None or len(raw) > _LONGEST_BYTES:
        return None
    method, number, suffix, host, _, request_id, _, _, known, _, encodings, _, origin = matched.groups()
    product_id = int(number)
    if host is None or product_id > LARGEST_ID:
        return None
    key = _new_key((_KINDS[suffix], product_id))
    tags = known.decode().rstrip() if known else None
    gzip = encodings is not None and accepts_gzip(encodings.decode())
    return _new_read((method, key, tags, request_id or logs.new_request_id(), time.perf_counter(), origin, gzip))
