import json
import random
from collections import Counter
from pathlib import Path

import pytest

from service.metrics import series
from service.watch import nginx_log
from service.watch.nginx_log import NginxLog
from service.watch.series import (
    ALL_SERIES,
    ANSWERERS,
    NGINX_REQUESTS,
    NGINX_RESPONSES,
    NGINX_SECONDS,
    STATUSES,
    buckets_of,
    of,
)


def line(answerer="instance", status=200, path="/products/1", seconds=0.004):
    said = {"path": path, "answered_by": answerer, "status": status, "seconds": seconds}
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def by(counts):
    return {answerer: counts[of(NGINX_REQUESTS, answered_by=answerer)[0]] for answerer in ANSWERERS}


def lines_in(counts):
    return sum(by(counts).values())


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "access.log"
    path.write_bytes(line() * 5)
    return path


@pytest.fixture
def log(path):
    log = NginxLog(str(path))
    assert log.look() == Counter()  # what was there before is not counted
    yield log
    log.close()


def append(path, text):
    with path.open("ab") as file:
        file.write(text)


def test_lines_are_counted_by_who_answered_and_by_status(log, path):
    append(
        path, line("cache") * 3 + line(status=304) + line("nginx", 429) * 2 + line("nginx", 404) + line("old-api", 503)
    )
    counts = log.look()
    assert by(counts) == {"cache": 3, "instance": 1, "old-api": 1, "nginx": 3}
    statuses = {status: counts[of(NGINX_RESPONSES, status=status)[0]] for status in STATUSES}
    assert statuses == {"2xx": 3, "3xx": 1, "4xx": 1, "5xx": 1, "429": 2}
    assert lines_in(log.look()) == 0


def test_a_client_cannot_write_fields_of_the_log(log, path):
    append(path, line("instance", 200, '/","answered_by":"cache","status":500,"x":"'))
    counts = log.look()
    assert by(counts)["instance"] == 1
    assert counts[of(NGINX_RESPONSES, status="5xx")[0]] == 0


def test_a_line_that_is_not_complete_waits_for_its_end(log, path):
    whole = line("cache")
    append(path, line() + whole[:30])
    assert lines_in(log.look()) == 1
    append(path, whole[30:])
    assert by(log.look())["cache"] == 1


def test_a_renamed_log_is_read_to_its_end_before_the_new_one(log, path):
    append(path, line() * 2)
    old = path.rename(path.with_suffix(".1"))
    assert lines_in(log.look()) == 2
    append(old, line() * 3)  # nginx writes there until it is told
    path.write_bytes(line("cache") * 4)
    assert lines_in(log.look()) == 3
    append(old, line() * 5)  # by a worker that was told last
    counts = log.look()
    assert by(counts) == {"cache": 4, "instance": 5, "old-api": 0, "nginx": 0}


def test_a_truncated_log_is_read_from_its_beginning(log, path):
    append(path, line() * 3 + b"a line that")
    assert lines_in(log.look()) == 3
    path.write_bytes(line("cache") * 2)
    assert by(log.look())["cache"] == 2


def test_a_log_that_is_missing_is_said_to_be_and_found_when_it_is_there(tmp_path):
    path = tmp_path / "access.log"
    log = NginxLog(str(path))
    assert (log.look(), log.state) == (Counter(), "missing")
    path.write_bytes(line() * 2)
    assert lines_in(log.look()) == 2
    assert log.state == "counted"
    path.unlink()
    log.look()
    assert log.state == "missing"
    log.close()


def test_without_a_log_nothing_is_looked_for():
    log = NginxLog("off")
    assert (log.look(), log.state) == (Counter(), "off")


def test_a_long_log_is_counted_whole_and_read_in_part(log, path, monkeypatch):
    random.seed(1)
    read = []
    some_of = nginx_log._some_of
    monkeypatch.setattr(nginx_log, "_some_of", lambda lines: read.extend(some := some_of(lines)) or some)
    append(path, b"".join(line("cache", path=f"/products/{number % 4 + 1}") for number in range(20_000)))
    counts = log.look()
    assert by(counts)["cache"] == 20_000
    assert len(read) <= 1000
    assert sum(counts[bucket] for bucket in buckets_of(NGINX_SECONDS, answered_by="cache")) == pytest.approx(
        20_000, rel=0.1
    )
    assert sum(log.hottest().values()) == pytest.approx(20_000, rel=0.1)
    assert set(log.hottest()) == {("product", number) for number in range(1, 5)}


def test_only_what_the_cache_answered_is_added_to_the_hottest(log, path):
    append(
        path,
        line("cache", path="/products/7/styles") * 2
        + line("instance", path="/products/8")
        + line("cache", path="/docs"),
    )
    log.look()
    assert log.hottest() == {("styles", 7): 2}


def test_durations_that_nginx_does_not_resolve_are_below_a_millisecond(log, path):
    append(path, line(seconds=0.0) + line(seconds=0.004))
    counts = log.look()
    buckets = buckets_of(NGINX_SECONDS, answered_by="instance")
    assert [number for number, bucket in enumerate(buckets) if counts[bucket]] == [
        series.BUCKETS.index(0.001),
        series.BUCKETS.index(0.005),
    ]


def test_a_line_that_makes_no_sense_is_not_counted(log, path):
    append(path, b"\xff\xfe nonsense\n" + b'{"seconds":"x"}\n' + line("somebody") + line() + line(status=600))
    counts = log.look()
    assert lines_in(counts) == 1
    assert counts.keys() <= ALL_SERIES  # nobody can make new ones


def test_what_takes_too_long_is_read_at_the_next_look(log, path, monkeypatch):
    monkeypatch.setattr("service.watch.nginx_log._CHUNK_BYTES", len(line()) * 10)
    ticks = iter(range(1000))
    monkeypatch.setattr("service.watch.nginx_log.time.monotonic", lambda: next(ticks) * 0.1)
    append(path, line() * 100)
    first = lines_in(log.look())
    assert 0 < first < 100
    assert log.is_behind
    while first < 100:
        more = lines_in(log.look())
        assert more
        first += more
    assert first == 100
    log.look()
    assert not log.is_behind


def test_a_descriptor_is_closed_with_the_file_that_it_was_of(log, path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(5):
        path.rename(path.with_suffix(f".{number}"))
        path.write_bytes(line())
        log.look()
        log.look()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
