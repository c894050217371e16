import time
from math import isnan
from pathlib import Path
from tempfile import mkdtemp

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import probes
from deploy.local.servers import Redis
from service.web import EXTENSION
from tests.web.answers import problem

DEADLINES = {"postgres_timeout_seconds": 0.15, "redis_timeout_seconds": 0.05}
READS = ["/products", "/products?ids=1", "/products?after=1", "/products/1", "/products/1/styles", "/products/8"]


@pytest.fixture(params=["refuses", "hangs"])
def dead(request, closed_port, silent_port):
    """An address where a store should be, and is not."""
    return closed_port if request.param == "refuses" else silent_port


def quick(client, path, **asked):
    began = time.monotonic()
    response = client.open(path, **asked)
    assert time.monotonic() - began < 2
    return response


def state(response, status):
    assert (response.status_code, response.content_type) == (status, "application/json; charset=utf-8")
    assert response.headers["Cache-Control"] == "no-store"
    return response.json


def test_with_both_stores_it_is_ready(client):
    assert state(client.get("/livez"), 200) == {"status": "ok"}
    assert state(client.get("/readyz"), 200) == {
        "status": "ok",
        "parts": {"postgres": "ok", "redis": "ok"},
        "breakers": {"redis": "closed"},
    }


def test_without_redis_it_is_degraded_and_answers_all(serve, shared_database_url, dead, app):
    client = serve(shared_database_url, f"redis://{dead}", **DEADLINES).test_client()
    ready = state(quick(client, "/readyz"), 200)
    assert (ready["status"], ready["parts"]) == ("degraded", {"postgres": "ok", "redis": "down"})
    for path in READS:
        assert quick(client, path).data == app.test_client().get(path).data
    assert quick(client, "/cart", method="POST", json={"sku_id": 9}).status_code == 201
    assert quick(client, "/readyz").json["breakers"] == {"redis": "open"}
    assert 'overview_breaker_open{part="redis"} 1.0' in quick(client, "/metrics").text


def test_a_redis_that_answers_and_cannot_be_used_is_no_ready_part(serve, shared_database_url, server_root, free_port):
    """In cluster mode names of different slots cannot be asked for together."""
    root = Path(mkdtemp(prefix="cluster-", dir=server_root))
    root.chmod(0o755)
    server = Redis(root, free_port(root.name), root / "redis.log")
    server.command += ["--cluster-enabled", "yes", "--cluster-port", str(free_port(f"bus of {root.name}"))]
    server.start()
    try:
        with probes.client(server.url) as redis:
            redis.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        client = serve(shared_database_url, server.url, **DEADLINES).test_client()
        for _ in range(2):
            ready = state(client.get("/readyz"), 200)
            assert (ready["status"], ready["parts"]["redis"]) == ("degraded", "down")
            assert client.get("/products/1").headers["X-Cache"] == "bypass"
    finally:
        server.stop()


def test_while_reads_go_past_a_redis_that_answers_it_is_bypassed(app, client):
    assert client.get("/readyz").json["parts"]["redis"] == "ok"
    app.extensions[EXTENSION].catalogue._cache.catch_up.failed()
    ready = client.get("/readyz").json
    assert (ready["status"], ready["parts"]["redis"], ready["breakers"]["redis"]) == ("degraded", "bypassed", "open")


def test_without_postgres_it_is_not_ready_and_says_when_to_come_back(serve, dead, redis_url):
    database_url = f"postgresql://overview:hidden@{dead}/nothing"
    client = serve(database_url, redis_url, **DEADLINES).test_client()
    ready = state(quick(client, "/readyz"), 503)
    assert (ready["status"], ready["parts"]) == ("unavailable", {"postgres": "down", "redis": "ok"})
    assert state(quick(client, "/livez"), 200) == {"status": "ok"}
    for path in READS:
        problem(quick(client, path), 503, path=path.partition("?")[0])
    problem(quick(client, "/cart", method="POST", json={"sku_id": 9}), 503)
    problem(quick(client, "/cart/9", method="PUT", json={"count": 9}), 503)
    assert client.get("/cart").data == b"[]"
    problem(client.get("/products/0"), 400)


def test_without_any_store_errors_are_still_problems(serve, dead):
    client = serve(f"postgresql://overview:hidden@{dead}/nothing", f"redis://{dead}", **DEADLINES).test_client()
    assert state(quick(client, "/readyz"), 503)["parts"] == {"postgres": "down", "redis": "down"}
    for path in READS:
        problem(quick(client, path), 503)
    assert client.get("/livez").status_code == 200


def test_a_wrong_password_is_a_database_that_is_down(serve, shared_database_url, closed_port):
    host = shared_database_url.rpartition("@")[2]
    client = serve(f"postgresql://nobody:wrong@{host}", f"redis://{closed_port}").test_client()
    assert state(client.get("/readyz"), 503)["parts"]["postgres"] == "down"
    problem(client.get("/products/1"), 503)


def samples(client):
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    assert response.headers["Cache-Control"] == "no-store"
    families = text_string_to_metric_families(response.text)
    return {(one.name, *sorted(one.labels.items())): one.value for family in families for one in family.samples}


def test_metrics_count_documents_by_kind_and_outcome(serve, shared_database_url, redis_url):
    client = serve(shared_database_url, redis_url).test_client()
    for path in ("/1", "/1", "/8", "/1/styles", "?ids=1,2,3", "/x"):
        client.get(f"/products{path}")
    counted = {
        tuple(value for _, value in labels): value
        for (name, *labels), value in samples(client).items()
        if name == "overview_documents_total" and value
    }
    assert counted == {("product", "miss"): 2, ("product", "hit"): 1, ("styles", "miss"): 1, ("card", "miss"): 3}


def test_metrics_time_requests_by_route_and_not_by_path(serve, shared_database_url, closed_port):
    client = serve(shared_database_url, f"redis://{closed_port}").test_client()
    for path in ("/products/1", "/products/2", "/products/x", "/nowhere/1", "/nowhere/2"):
        client.get(path)
    for n in range(5):
        client.open("/products/1", method=f"BREW{n}")
    counted = {
        tuple(value for _, value in labels): value
        for (name, *labels), value in samples(client).items()
        if name == "overview_request_seconds_count"
    }
    assert counted.pop(("/products/<product_id>", "GET", "200")) == 2
    assert counted.pop(("/products/<product_id>", "GET", "400")) == 1
    assert counted.pop(("unknown", "GET", "404")) == 2
    ((_, refused),) = counted.items()  # methods that callers make up do not make up series
    assert refused == 5


def test_metrics_tell_for_how_long_a_change_has_waited_and_are_there_without_postgres(serve, database_url, closed_port):
    def oldest(url):
        return samples(serve(url, f"redis://{closed_port}", **DEADLINES).test_client())[
            "overview_outbox_oldest_seconds",
        ]

    assert oldest(database_url) == 0
    with probes.query(database_url) as cursor:
        cursor.execute("INSERT INTO products VALUES (1, 'One', '', '', '', 5)")
        cursor.execute("UPDATE catalogue_outbox SET recorded_at = recorded_at - interval '1 minute'")
        cursor.execute("INSERT INTO products VALUES (2, 'Two', '', '', '', 5)")
    assert 60 <= oldest(database_url) < 120
    assert isnan(oldest(f"postgresql://overview:hidden@{closed_port}/nothing"))


@pytest.mark.parametrize(("path", "media_type"), [("/openapi.json", "application/json"), ("/docs", "text/html")])
def test_the_contract_is_served_whole(client, path, media_type):
    full = client.get(path)
    assert (full.status_code, full.mimetype) == (200, media_type)
    for range_asked in ("bytes=0-1", "bytes=999999999-", "bytes=x", "lines=1"):
        assert client.get(path, headers={"Range": range_asked}).data == full.data
    known = client.get(path, headers={"If-None-Match": full.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    assert client.head(path).headers["Content-Length"] == str(len(full.data))
