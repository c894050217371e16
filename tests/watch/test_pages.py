import csv
import io
import shutil
import subprocess
import time

import pytest

from service.cache.entry import Entry, State
from service.cache.redis_store import RedisStore
from service.coroutines import block_on
from service.settings import Settings
from service.watch.app import create_app
from service.watch.charts import CHARTS
from service.watch.collector import Collector
from service.watch.points import MOST_POINTS
from tests.watch.reports import HITS

PATHS = (
    "/livez",
    "/dashboard",
    "/dashboard.json",
    "/dashboard/points.json",
    "/dashboard/points.csv?chart=rate",
    "/dashboard/entry.json?kind=product&id=1",
    "/dashboard/static/dashboard.html",
    "/metrics",
    "/metrics/redis",
)


@pytest.fixture(scope="module")
def lonely(closed_port):
    """A client of the application where nothing else runs, before the first pull."""
    settings = Settings(
        f"postgresql://{closed_port}/x",
        f"redis://{closed_port}",
        "a secret of the tests",
        instances=closed_port,
        operations="watch.example:8081",
    )
    collector = Collector(settings)
    yield create_app(collector).test_client()
    collector.close()


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers_and_takes_get_and_head_alone(client, path):
    for found in (client.get(path), client.head(path)):
        assert found.status_code == 200
        assert found.headers["Content-Security-Policy"] == "default-src 'self'"
        assert found.headers["X-Content-Type-Options"] == "nosniff"
        assert found.headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in found.headers
        of_file = "static" in path or path == "/dashboard"
        assert found.headers["Cache-Control"] == ("no-cache" if of_file else "no-store")
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        refused = client.open(path, method=method)
        assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
        assert refused.mimetype == "application/problem+json"
        assert refused.headers["Content-Security-Policy"] == "default-src 'self'"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8081", "127.0.0.1:8081", "[::1]:8081", "10.1.2.3", "WATCH.example"]
)
def test_addresses_and_its_own_name_are_answered(lonely, host):
    assert lonely.get("/dashboard.json", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "[::1", "a@b"]
)
def test_a_name_that_another_site_made_up_is_refused(lonely, host):
    for path in (*PATHS, "/nowhere"):
        found = lonely.get(path, headers={"Host": host})
        assert (found.status_code, found.mimetype) == (421, "application/problem+json")
        assert found.json["title"] == "Misdirected"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/dashboard/static/nowhere.js",
        "/dashboard/static/../pages.py",
        "/dashboard/static/%2e%2e/pages.py",
        "/dashboard/static//etc/passwd",
        "/dashboard/",
        "/favicon.ico",
    ],
)
def test_nothing_else_is_there(lonely, path):
    found = lonely.get(path)
    assert (found.status_code, found.mimetype) == (404, "application/problem+json")
    assert found.json["title"] == "Not found"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/dashboard.json?window=2m", "window"),
        ("/dashboard.json?window=1m&window=5m", "window"),
        ("/dashboard/points.json?window=now", "window"),
        ("/dashboard/points.json?since=-1", "since"),
        ("/dashboard/points.json?since=99999999999999999999", "since"),
        ("/dashboard/points.json?from=5", "from"),
        ("/dashboard/points.json?from=5&to=4", "from"),
        ("/dashboard/points.json?meta=yes", "meta"),
        ("/dashboard/points.csv", "chart"),
        ("/dashboard/points.csv?chart=x", "chart"),
        ("/dashboard/entry.json?kind=product", "id"),
        ("/dashboard/entry.json?kind=product&id=0", "id"),
        ("/dashboard/entry.json?kind=product&id=2147483648", "id"),
        ("/dashboard/entry.json?kind=product&id=%D9%A3", "id"),
        ("/dashboard/entry.json?kind=cart&id=1", "kind"),
    ],
)
def test_a_malformed_query_is_refused_by_name(lonely, path, name):
    found = lonely.get(path)
    assert (found.status_code, found.mimetype) == (400, "application/problem+json")
    assert list(found.json["errors"]) == [name]


def test_a_file_is_validated_by_its_etag(lonely):
    first = lonely.get("/dashboard/static/dashboard.html")
    assert first.mimetype == "text/html"
    again = lonely.get("/dashboard/static/dashboard.html", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Content-Security-Policy"] == "default-src 'self'"


@pytest.fixture
def counted(client, collector, instances):
    """The client, after ten seconds with ten hits each."""
    last = int(time.time()) - 1
    instances[0].said["started"] = last - 11
    for second in range(last - 9, last + 1):
        instances[0].counts[HITS] += 10
        instances[0].counts['overview_answer_seconds_bucket{outcome="hit",le="0.001"}'] += 10
        instances[0].row(second)
    instances[1].hang()
    collector.pull()
    return client


def test_points_are_of_every_second_and_none_where_nothing_is_known(counted, collector):
    found = counted.get("/dashboard/points.json?window=5m&meta=1").json
    assert (found["step"], found["time"][-1], len(found["time"])) == (1, collector.time, 300)
    assert found["charts"].keys() == CHARTS.keys() == {chart["id"] for chart in found["meta"]}
    assert found["charts"]["traffic"]["series"]["hit"][-11:] == [None, *[10.0] * 10]
    assert found["charts"]["rate"]["series"]["product"][-1] == 1.0
    assert found["charts"]["rate"]["series"]["card"][-1] is None
    assert 0.0005 < found["charts"]["latency"]["series"]["hit p99"][-1] <= 0.001
    for chart in found["meta"]:
        assert list(found["charts"][chart["id"]]["series"]) == chart["series"]
        assert all(len(values) == 300 for values in found["charts"][chart["id"]]["series"].values())


def test_later_points_alone_are_sent_to_who_has_the_others(counted):
    whole = counted.get("/dashboard/points.json?window=5m").json
    later = counted.get(f"/dashboard/points.json?window=5m&since={whole['time'][-4]}").json
    assert later["time"] == whole["time"][-3:]
    assert "meta" not in later
    for chart_id, chart in later["charts"].items():
        for shown, values in chart["series"].items():
            assert values == whole["charts"][chart_id]["series"][shown][-3:]
    assert counted.get(f"/dashboard/points.json?window=5m&since={whole['to'] + 99}").json["time"] == []


@pytest.mark.parametrize(("window", "step"), [("1m", 1), ("5m", 1), ("1h", 10), ("24h", 300)])
def test_a_window_has_no_more_points_than_can_be_seen(counted, window, step):
    found = counted.get(f"/dashboard/points.json?window={window}").json
    assert found["step"] == step
    assert len(found["time"]) <= MOST_POINTS
    assert all(time % step == 0 for time in found["time"])


@pytest.mark.parametrize(("seconds", "step"), [(100, 1), (3000, 10), (4000, 60), (80_000, 300)])
def test_any_period_of_the_last_day_can_be_asked_for(counted, collector, seconds, step):
    now = collector.time
    found = counted.get(f"/dashboard/points.json?from={now - seconds}&to={now - 5}").json
    assert found["step"] == step
    assert now - seconds <= found["from"] < now - seconds + step
    assert now - 5 - step < found["to"] - 1 <= now - 5


def test_csv_has_the_same_values(counted):
    points = counted.get("/dashboard/points.json?window=5m").json
    found = counted.get("/dashboard/points.csv?chart=traffic&window=5m")
    header, *rows = csv.reader(io.StringIO(found.text))
    assert header == ["time", "hit", "stale", "miss", "bypass", "error"]
    assert [row[1] for row in rows[-11:]] == ["", *["10.0"] * 10]
    assert len(rows) == len(points["time"])
    assert found.headers["Content-Disposition"] == 'attachment; filename="traffic.csv"'


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
@pytest.mark.parametrize("path", ["/metrics", "/metrics/redis"])
def test_prometheus_has_nothing_to_say_against_the_metrics(counted, path):
    text = counted.get(path).data
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_metrics_are_sums_over_instances_and_name_the_silent(counted, instances):
    lines = counted.get("/metrics").text.splitlines()
    assert f"{HITS} 100.0" in lines
    assert 'overview_answer_seconds_bucket{le="+Inf",outcome="hit"} 100.0' in lines
    up = {instance.address: f'overview_instance_up{{instance="{instance.address}"}}' for instance in instances}
    assert f"{up[instances[0].address]} 1.0" in lines
    assert f"{up[instances[1].address]} 0.0" in lines
    assert "overview_postgres_up 1.0" in lines
    assert 'overview_redis_server_up{server="Redis"} 1.0' in lines
    assert "redis_up 1.0" in counted.get("/metrics/redis").text.splitlines()


def entry(client):
    return client.get("/dashboard/entry.json?kind=product&id=1").json


def test_an_entry_is_shown_as_readers_would_find_it(client, redis_url, database_url):
    store = RedisStore(redis_url, 1.0)
    assert entry(client)["state"] == "absent"
    block_on(store.put(7, []))
    kept = Entry(State.PRESENT, 7, 3, time.time() + 100, "0123456789abcdef", b"{}", store.incarnation).encode()
    block_on(store.put(7, [("overview:product:1", kept, 86_000)]))
    found = entry(client)
    assert found | {"age_seconds": 0, "ttl_seconds": 0, "fresh_until": 0} == {
        "kind": "product",
        "id": 1,
        "name": "overview:product:1",
        "state": "present",
        "age_seconds": 0,
        "ttl_seconds": 0,
        "version": 3,
        "epoch": 7,
        "fresh_until": 0,
        "is_fresh": True,
        "bytes": 2,
        "encoding": "identity",
        "etag": "0123456789abcdef",
        "in_postgres": {"version": None, "state": "up"},
    }
    assert 390 < found["age_seconds"] < 420
    block_on(store.put(7, [("overview:product:1", Entry(State.TOMBSTONE, 7, 4).encode(), 60)]))
    assert (entry(client)["state"], entry(client)["is_fresh"], entry(client)["version"]) == ("tombstone", False, 4)
    block_on(store.put(8, []))  # a load of the catalogue
    assert entry(client)["state"] == "absent"
    store.close()


def test_an_entry_cannot_be_shown_without_redis(client, collector, closed_port):
    collector.redis.close()
    collector.redis = RedisStore(f"redis://{closed_port}", 0.1)
    found = client.get("/dashboard/entry.json?kind=product&id=1")
    assert (found.status_code, found.mimetype) == (503, "application/problem+json")
