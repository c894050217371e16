"""The parts of make bench that a wrong figure could come from."""

import math
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.local.processes import StackError
from tests.bench import figures, install, wrk
from tests.bench.cores import confined, tree
from tests.bench.figures import OURS, Round
from tests.bench.open_loop import OpenLoop, Outcome

REPORT = """Running 3s test @ http://127.0.0.1:1/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.94ms    1.01ms  26.70ms   91.00%
    Req/Sec    33.30k     3.00k   36.87k    83.33%
  Latency Distribution
     50%    1.76ms
     75%    2.11ms
     90%    2.66ms
     99%    {p99}
  99364 requests in 3.00s, 68.35MB read
{errors}Requests/sec:  33112.21
Transfer/sec:     22.78MB
"""
ERRORS = "  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 50000\n"


@pytest.mark.parametrize(
    ("said", "milliseconds"), [("850.00us", 0.85), ("5.31ms", 5.31), ("1.20s ", 1200), ("2.00m ", 120e3)]
)
def test_reads_what_wrk_measured(said, milliseconds):
    assert wrk.parse(REPORT.format(p99=said, errors="")) == (99364, 33112.21, pytest.approx(milliseconds), 0)


def test_counts_every_kind_of_error_that_wrk_reports():
    assert wrk.parse(REPORT.format(p99="5.31ms", errors=ERRORS)).errors == 54321


def test_a_wrk_that_measured_nothing_is_an_error():
    with pytest.raises(StackError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused")


def rounds(*rates, cpu_us=10.0, p99_ms=1.0, errors=0):
    return [Round(rate, cpu_us, p99_ms, errors) for rate in rates]


def test_a_ratio_is_taken_within_each_round():
    drifting = {OURS: rounds(800, 80, 400), "express": rounds(100, 10, 40)}
    assert figures.ratio(drifting, OURS, "express") == 8


def test_the_table_shows_medians_all_errors_and_whether_each_bound_is_met():
    found = {OURS: [*rounds(900, 1000), *rounds(1100, p99_ms=7, errors=2)], "express": rounds(100, 100, 110)}
    wanted = [figures.faster("express", 8), figures.no_errors(), figures.p99_within(5)]
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in figures.table([("work", found, wanted)]).split("\n")
    ]
    assert lines[2] == ["work", OURS, "1,000", "10", "1.00", "2", "", "0 errors, p99 ≤ 5 ms", "NO"]
    assert lines[3] == ["", "express", "100", "10", "1.00", "0", "10.00x", "≥ 8x", "yes"]
    assert len({len(line) for line in figures.table([("work", found, wanted)]).split("\n")}) == 1


@pytest.mark.parametrize(
    ("bound", "held", "missed"),
    [
        (figures.faster("peer", 8), {OURS: rounds(80), "peer": rounds(10)}, {OURS: rounds(79), "peer": rounds(10)}),
        (figures.no_errors(), {OURS: rounds(1)}, {OURS: [*rounds(1, 1, 1), *rounds(1, errors=1)]}),
        (figures.p99_within(20), {OURS: rounds(1, p99_ms=20)}, {OURS: rounds(1, p99_ms=math.inf)}),
        (figures.sustained(10_000), {OURS: rounds(9_990)}, {OURS: rounds(9_800)}),
        (
            figures.no_more("cpu_us", "few", 1, ""),
            {OURS: rounds(1, cpu_us=20), "few": rounds(1, cpu_us=20)},
            {OURS: rounds(1, cpu_us=21), "few": rounds(1, cpu_us=20)},
        ),
    ],
)
def test_a_bound_holds_up_to_its_limit(bound, held, missed):
    assert figures.met(held, [bound])
    assert not figures.met(missed, [bound])


class Slow(BaseHTTPRequestHandler):
    """Answers /1 with 200 and all else with 404; holds everybody up until ``going``."""

    protocol_version = "HTTP/1.1"
    going: threading.Event

    def do_GET(self):
        self.going.wait()
        body = b"x" * 5000
        self.send_response(200 if self.path == "/1" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    Slow.going = threading.Event()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    serving.daemon_threads = True
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield f"127.0.0.1:{serving.server_port}"
    Slow.going.set()
    serving.shutdown()
    thread.join()
    serving.server_close()


def test_an_open_loop_counts_latency_from_when_a_request_was_due(server):
    threading.Timer(0.5, Slow.going.set).start()
    outcome = OpenLoop(server, lambda: b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", rate=400, seconds=1, connections=8).run()
    assert (outcome.answers, outcome.errors, len(outcome.latencies)) == (400, 0, 400)
    late = [latency for latency in outcome.latencies if latency > 0.1]
    assert len(late) >= 150  # a closed loop of 8 connections would have noticed 8
    assert outcome.latencies[-1] >= 0.4


def test_an_open_loop_counts_answers_other_than_200_as_errors(server):
    Slow.going.set()
    outcome = OpenLoop(
        server, lambda: b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n", rate=100, seconds=0.2, connections=4
    ).run()
    assert (outcome.answers, outcome.errors) == (20, 20)


def test_an_answer_that_never_came_is_later_than_any():
    outcome = Outcome(1.0, 98, 2, [*(n / 1000 for n in range(98)), math.inf, math.inf])
    assert outcome.percentile(0.98) == 0.097
    assert outcome.percentile(0.99) == math.inf


def test_the_processes_below_one_count_and_move_with_it():
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"
    free = os.sched_getaffinity(0)
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        parent.stdout.readline()
        children = tree([parent.pid]).keys() - {parent.pid}
        with confined([parent.pid], {min(free)}):
            assert [os.sched_getaffinity(pid) for pid in (parent.pid, *children)] == [{min(free)}] * 2
        assert [os.sched_getaffinity(pid) for pid in (parent.pid, *children)] == [free] * 2
        parent.communicate(b"\n")


def test_an_installation_counts_only_if_it_is_what_is_wanted_now(tmp_path):
    wanted, folder = tmp_path / "lock", tmp_path / "folder"
    wanted.write_text("1")
    folder.mkdir()
    (folder / "installed").write_text("1")
    assert install._installed(folder, wanted)
    wanted.write_text("2")
    assert not install._installed(folder, wanted)
    assert not folder.exists()
