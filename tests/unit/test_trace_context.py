"""``traceparent`` headers: the valid form, and no other."""

import pytest

from service import trace_context
from service.trace_context import TraceContext

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
VALID = f"00-{TRACE}-{SPAN}-01"
INVALID = [
    *(
        "",
        "00",
        "garbage",
        VALID[1:],
        VALID[:-1],
        f"{VALID}-",
        f"{VALID}-more",
        f"{VALID},{VALID}",
        f"00_{TRACE}-{SPAN}-01",
    ),
    *(f"01-{TRACE}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE.upper()}-{SPAN}-01", f"00-{TRACE}-{SPAN}-0G"),
    *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[1:]}-{SPAN}-01"),
    f"00-{TRACE[1:]}\u0661-{SPAN}-01",
]


@pytest.mark.parametrize(("flags", "is_sampled"), [("00", False), ("01", True), ("02", False), ("ff", True)])
def test_a_valid_header_names_the_trace(flags, is_sampled):
    expected = TraceContext(TRACE, SPAN, is_sampled)
    header = f"00-{TRACE}-{SPAN}-{flags}"
    assert trace_context.parse(header) == trace_context.parse(f" {header}\t") == expected
    for name in ("traceparent", "Traceparent", "TRACEPARENT"):
        raw = f"GET / HTTP/1.1\r\nHost: a\r\n{name}:\t{header} \r\nX-Other: 1\r\n\r\n".encode()
        assert trace_context.of_request(raw) == expected


@pytest.mark.parametrize("header", INVALID)
def test_any_other_is_none(header):
    assert trace_context.parse(header) is None
    assert trace_context.of_request(f"GET / HTTP/1.1\r\ntraceparent: {header}\r\n\r\n".encode()) is None


def test_only_a_header_that_comes_once_counts():
    line = f"traceparent: {VALID}\r\n"
    assert trace_context.of_request(f"GET / HTTP/1.1\r\n{line}{line}\r\n".encode()) is None
    for raw in (f"GET / HTTP/1.1\r\nHost: a\r\n\r\n{line}", f"GET / HTTP/1.1\r\nX-{line}\r\n", ""):
        assert trace_context.of_request(raw.encode()) is None
