"""Regular expressions of whole request heads: matching one takes as long as finding its end does, and a little more.

A head matches if every header line is well-formed in the plainest way, those that may matter come once, and those that
change how a request is read do not come at all. All other headers may say what they like.
"""

from __future__ import annotations

import re
import string
from collections.abc import Collection, Mapping

from service import logs

# A name is a token without "_", which gunicorn treats apart; in values stands what every reader of headers reads alike.
_TOKEN = b"!#$%&'*+-.^`|~" + string.digits.encode() + string.ascii_letters.encode()
VALUE = rb"[\t\x20-\x7e]*+"
_REST_OF_LINE = rb"[%b]*+:%b" % (re.escape(_TOKEN), VALUE)

REQUEST_ID = rb"(?:(?P<request_id>%b)[\t ]*+(?=\r)|%b)" % (logs.ACCEPTED.encode(), VALUE)
HOST = rb"[A-Za-z0-9.-]++(?::[0-9]{1,5}+)?+[\t ]*+"

# About the connection, how a body is sent, or whether to go on.
ABOUT_MESSAGES = (b"connection", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"http2-settings")


def head(first_line: bytes, once: Mapping[bytes, bytes], never: Collection[bytes]) -> bytes:
    """The expression of a head, up to the empty line.

    ``once`` are headers, in lower case, that may come once, with the expression of their value after blanks; ``never``
    those that may not. The group ``has_host`` is None where there is no Host, and so for the others.
    """
    initials = sorted({name[:1] for name in (*once, *never)})
    others = re.escape(bytes(set(_TOKEN) - set(b"".join(initial + initial.upper() for initial in initials))))
    groups, lines_of_once = re.compile(first_line).groups, []
    for name, value in once.items():
        lines_of_once.append(_once(name, value, groups + 1))
        groups += 1 + re.compile(value).groups
    lines = [
        rb"[%b]%b" % (others, _REST_OF_LINE),
        *lines_of_once,
        *(_other(initial, [name for name in (*once, *never) if name.startswith(initial)]) for initial in initials),
    ]
    # No line matches in two ways, and what has matched of one is not tried again (++, *+): a refusal takes linear time.
    return rb"%b\r\n(?:(?:%b)\r\n)*\r\n" % (first_line, b"|".join(lines))


def _once(name: bytes, value: bytes, group: int) -> bytes:
    """A line that may come once: an empty group, with this number, says that there was one."""
    line = rb"%b:(?(%d)(?!))(?P<has_%b>)[\t ]*+%b"
    return line % (_in_any_case(name), group, name.replace(b"-", b"_"), value)


def _other(initial: bytes, names: Collection[bytes]) -> bytes:
    """A line whose name begins as one that matters, and is none."""
    matter = b"|".join(_in_any_case(name[1:]) for name in names)
    return rb"%b(?!(?:%b):)%b" % (_in_any_case(initial), matter, _REST_OF_LINE)


def _in_any_case(name: bytes) -> bytes:
    # Not by re.IGNORECASE: whether the next byte is of a set is seen before an alternative is tried.
    return re.sub(rb"[a-z]", lambda letter: b"[%b%b]" % (letter[0], letter[0].upper()), name)
