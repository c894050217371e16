import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rich.console import Console

from service.watch import report, shown
from service.watch.screen import screen
from tests.chaos.waits import wait_until
from tests.watch import states


def rendered(state: dict[str, Any], width: int, height: int) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(screen(state, states.points(), height))
    return [line.rstrip() for line in capture.get().splitlines()]


class TestScreen:
    def test_everything_important_fits_80_columns_and_24_lines(self):
        lines = rendered(states.state(), 80, 24)
        assert lines[1:-2] == [
            "96.0 % of documents came from Redis in the last minute; 2 of 2 instances",
            "respond; Redis and Postgres are up.",
            "from Redis    now     1m     5m     1h    24h  per s  5 minutes, 0 to 100%",
            "product     96.0%  96.0%  96.0%  96.0%  96.0%    100                      ▁▁▂▃▅▇",
            "styles          –      –      –      –      –      0",
            "related         –      –      –      –      –      0",
            "card            –      –      –      –      –      0",
            "summary         –      –      –      –      –      0",
            "all         96.0%  96.0%  96.0%  96.0%  96.0%    100                      ▁▁▂▃▅▇",
            "tier       asked/s  answered/s   share     p50     p99",
            "nginx            –           –       –       –       –",
            "fast path      100          99   99.0%       –       –",
            "Redis        1,234          96   96.0%  340 µs  2.4 ms",
            "Postgres         4           4  100.0%  4.0 ms   1.2 s",
            "instance        req/s  from Redis  errors/s  breaker",
            "web.1.sock  up     50       96.0%      0.25   closed",
            "web.2.sock  up     50       96.0%      0.25   closed",
            "lag 250.0 ms, 7 pending, 12/s invalidated",
            "Redis 12.3 MB of 512.0 MB, 1,234 keys, 0/s evicted, own rate 90.0%",
            "hottest  product 12: 31/s",
            "missed   styles 5: 0.015/s",
        ]
        assert [line[-18:] for line in lines[-2:]] == [f"instance: event {n}" for n in (99, 98)]
        assert len(lines) == 24

    def test_it_uses_what_there_is_of_a_larger_terminal(self):
        lines = rendered(states.state(), 200, 50)
        assert len(lines) == 49  # the sentence needs one line here
        assert lines[-1].endswith("event 72")
        assert len(lines[3]) == 200
        assert len(set(lines[3]) & set("▁▂▃▅▇")) == 5

    def test_silent_instances_come_first_and_none_pushes_events_out(self):
        instances = [*states.state()["instances"], *(states.silent(f"gone.{n}") for n in range(20))]
        lines = rendered(states.state(instances=instances), 80, 24)
        assert len(lines) == 24
        assert lines[15].startswith("instance (20 more)")
        assert lines[16].split() == ["gone.0.sock", "silent", "–", "–", "–", "–"]

    def test_stores_that_are_down_are_said_to_be(self):
        down = rendered(states.state(redis={"state": "down", "servers": []}, postgres={"state": "down"}), 80, 24)
        assert "Redis is down; reads go to Postgres" in down
        assert "Postgres is down; misses are refused" in down

    def test_a_silent_master_of_a_cluster_is_named(self):
        redis = states.state()["redis"] | {"state": "partly down"}
        redis["servers"] += [{"address": "10.0.0.2:6379", "state": "silent"}]
        (line,) = (line for line in rendered(states.state(redis=redis), 120, 24) if "evicted" in line)
        assert line.endswith(", 10.0.0.2:6379 is silent")


class TestNumbers:
    @pytest.mark.parametrize(
        ("seconds", "text"), [(None, "–"), (0, "0.0 s"), (2.5e-5, "25 µs"), (0.0042, "4.2 ms"), (61.04, "61.0 s")]
    )
    def test_durations(self, seconds, text):
        assert shown.duration(seconds) == text

    @pytest.mark.parametrize(
        ("value", "text"), [(None, "–"), (0.0, "0"), (0.0149, "0.015"), (9.96, "10"), (12_345.6, "12,346")]
    )
    def test_rates(self, value, text):
        assert shown.per_second(value) == text

    @pytest.mark.parametrize(
        ("shares", "width", "text"),
        [
            ([0, 0.3, 0.5, 0.7, 1], 10, "▁▂▃▅▇"),
            ([1, None, 0], 3, "▇ ▁"),
            ([0, 1, 1, 1], 2, "▃▇"),
            ([None, 1], 1, "▇"),
            ([1], 0, ""),
            ([], 5, ""),
        ],
    )
    def test_sparklines(self, shares, width, text):
        assert shown.sparkline(shares, width) == text


class TestReport:
    def test_the_table_has_every_kind_and_window(self):
        header, *rows, sentence = [line.split() for line in report.table(states.state()).splitlines()]
        assert header == ["kind", "window", "hit", "rate", "per", "s", "hit", "stale", "miss", "bypass"]
        assert [row[1] for row in rows] == [*states.WINDOWS] * 6
        assert rows[1] == ["product", "1m", "96.0%", "100.0", "5700", "60", "180", "60"]
        assert rows[11] == ["styles", "total", "–", "0.0", "0", "0", "0", "0"]
        assert rows[-1] == ["all", "total", "96.0%", "100.0", "9500000", "100000", "300000", "100000"]
        assert " ".join(sentence) == states.state()["sentence"]

    def test_a_line_is_of_the_last_second(self):
        told = re.sub(" +", " ", report.line(states.state()).partition(" ")[2]).strip()
        assert told == "96.0% 100 req/s 4 misses 0.5 errors/s lag 250.0 ms"

    def test_a_line_without_traffic_and_without_postgres(self):
        idle = states.state(postgres={"state": "down"}, instances=[states.silent("gone")])
        idle["kinds"]["all"] = idle["kinds"]["card"]
        told = re.sub(" +", " ", report.line(idle).partition(" ")[2]).strip()
        assert told == "– 0 req/s 0 misses 0 errors/s lag –"


class Watched(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(states.points() if "points" in self.path else self.server.state).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def watch() -> Iterator[ThreadingHTTPServer]:
    """A watch process, as far as the terminal sees it; ``state`` and ``status`` can be set."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Watched)
    server.state, server.status = states.state(), 200
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def started(watch: ThreadingHTTPServer | str, *arguments: str, **popen: Any) -> subprocess.Popen:
    operations = watch if isinstance(watch, str) else f"127.0.0.1:{watch.server_port}"
    required = {"DATABASE_URL": "-", "REDIS_URL": "-", "CART_SECRET": "only for these tests", "OPERATIONS": operations}
    command = [sys.executable, "-m", "service.watch.terminal", *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
    return subprocess.Popen(command, env={**os.environ, **required, "TERM": "xterm", "NO_COLOR": "1"}, **streams)


def ended(process: subprocess.Popen) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=20)
    return process.returncode, output.decode(), errors.decode()


class TestCommand:
    def test_once(self, watch):
        assert ended(started(watch, "--once")) == (0, report.table(states.state()) + "\n", "")

    def test_once_fails_where_an_instance_is_silent(self, watch):
        watch.state = states.state(instances=[states.silent("web.2")])
        code, output, errors = ended(started(watch, "--once"))
        assert (code, errors) == (1, "no response from unix:/run/web.2.sock\n")
        assert output.startswith("kind")

    def test_the_whole_state_as_json(self, watch):
        code, output, _ = ended(started(watch, "--json"))
        assert (code, json.loads(output)) == (0, states.state())

    @pytest.mark.parametrize("form", ["--once", "--json"])
    def test_a_server_that_is_away(self, form):
        code, output, errors = ended(started("127.0.0.1:1", form))
        assert (code, output) == (1, "")
        assert errors == "no response from 127.0.0.1:1: [Errno 111] Connection refused\n"

    def test_a_server_of_another_kind(self, watch):
        watch.status = 404
        code, _, errors = ended(started(watch, "--once"))
        assert (code, errors) == (1, f"127.0.0.1:{watch.server_port} responds with 404 to /dashboard.json\n")

    def test_without_a_terminal_a_line_a_second_while_the_server_comes_and_goes(self, watch):
        process = started(watch)
        first = process.stdout.readline().decode()
        watch.status = 503
        complaint = process.stderr.readline().decode()
        watch.status = 200
        while process.stdout.readline().decode() != first:
            pass
        process.send_signal(signal.SIGINT)
        code, _, errors = ended(process)
        assert first == report.line(states.state()) + "\n"
        assert complaint.endswith("responds with 503 to /dashboard.json; asked again every second\n")
        assert (code, "Traceback" in errors) == (0, False)

    def test_who_reads_the_lines_may_leave(self, watch):
        process = started(watch)
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=20) == 0
        assert process.stderr.read() == b""
        process.stderr.close()

    @pytest.mark.parametrize("last", [signal.SIGINT, signal.SIGTERM])
    def test_a_terminal_is_given_back_as_it_was(self, watch, last):
        ours, theirs = pty.openpty()
        process = started(watch, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        seen = b""

        def shows(text: bytes) -> bool:
            nonlocal seen
            seen += os.read(ours, 65_536)
            return text in seen

        wait_until(lambda: shows("▁▂▃▅▇".encode()))
        watch.status = 503
        wait_until(lambda: shows(b"asked again every second"))
        process.send_signal(last)
        wait_until(lambda: shows(b"\x1b[?1049l"))  # leaves the alternate screen
        assert process.wait(timeout=20) == 0
        assert b"Traceback" not in seen
        assert not re.search(rb"\x1b\[[0-9;]*3[0-7]m", seen)  # NO_COLOR
        os.close(ours)
