import logging

from service import logs


def test_a_line_is_json_with_the_request_it_belongs_to(log_lines):
    token = logs.request_id.set("abc-12345")
    logging.getLogger("service.part").warning("told %s", "ünïcode\nin one line", extra={"more": 1})
    logs.request_id.reset(token)
    (line,) = log_lines()
    assert line["message"] == "told ünïcode\nin one line"
    assert (line["level"], line["logger"], line["request_id"], line["more"]) == (
        "WARNING",
        "service.part",
        "abc-12345",
        1,
    )


def test_an_exception_is_part_of_its_line_and_debug_is_not_written(log_lines):
    logging.getLogger("service").debug("not this")
    try:
        raise ValueError("oops")
    except ValueError:
        logging.getLogger("service").exception("failed")
    (line,) = log_lines()
    assert "ValueError: oops" in line["exception"]
    assert "request_id" not in line


def test_of_more_lines_a_second_than_its_limit_the_rest_are_counted(monkeypatch):
    now = 100.2
    monkeypatch.setattr(logs.time, "monotonic", lambda: now)
    limit = logs.Limit(2)
    assert [limit.suppressed() for _ in range(5)] == [0, 0, None, None, None]
    now = 101.0
    assert [limit.suppressed() for _ in range(3)] == [3, 0, None]
    now = 200.0
    assert limit.suppressed() == 1


def test_a_line_has_the_trace_of_its_request(log_lines):
    token = logs.trace_id.set("0af7651916cd43dd8448eb211c80319c")
    logging.getLogger("service").warning("told")
    logs.trace_id.reset(token)
    logging.getLogger("service").warning("told")
    first, second = log_lines()
    assert first["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert "trace_id" not in second
