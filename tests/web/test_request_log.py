"""Lines in the log of requests to Flask: every one has the ids of its request and of its trace."""

import json
import logging

import pytest

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-00", "X-Request-Id": "id-of-this"}


@pytest.fixture
def client(serve, shared_database_url, closed_port):
    app = serve(shared_database_url, f"redis://{closed_port}")
    app.add_url_rule("/failing/<word>", view_func=lambda word: 1 // 0)
    return app.test_client()


def test_a_failure_is_told_with_its_reason_and_with_where_its_time_went(client, log_lines):
    assert client.get("/failing/secret?token=secret", headers=CALLER).status_code == 500
    reason, told = log_lines()
    assert "ZeroDivisionError" in reason["exception"]
    assert (told["message"], told["endpoint"], told["status"]) == ("a failed request", "/failing/<word>", 500)
    for line in (reason, told):
        assert (line["request_id"], line["trace_id"]) == ("id-of-this", TRACE)
        assert "secret" not in json.dumps(line)


def test_ids_of_a_request_are_none_of_the_next(client, log_lines):
    client.get("/failing/1", headers=CALLER)
    logging.getLogger("service").warning("between requests")
    client.get("/failing/2", headers={"traceparent": "00-garbage"})
    *_, between, reason, told = log_lines()
    assert reason["request_id"] == told["request_id"] != "id-of-this"
    assert "trace_id" not in reason | told | between
    assert "request_id" not in between


def test_what_is_the_fault_of_the_client_is_no_failure(client, log_lines):
    for path in ("/nothing", "/products/0", "/products?count=0"):
        assert client.get(path).status_code in (400, 404)
    assert log_lines() == []
