"""Known traffic has the same numbers on the page, in its JSON, in the terminal and in the metrics.

Not one of ``make test``: see check_dashboard.py.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import pytest
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.instances import CHECKOUT, environment
from tests.browser.watched import watched
from tests.chaos.waits import wait_until

KINDS = {"product": "", "styles": "/styles", "related": "/related"}
OUTCOMES = ("hit", "stale", "miss", "bypass")
LIVE_MS = 15_000

Counts = dict[tuple[str, str], int]


def of_samples(*texts: bytes) -> Counts:
    counts: Counts = {}
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            for sample in family.samples:
                if sample.name == "overview_documents_total":
                    key = sample.labels["kind"], sample.labels["outcome"]
                    counts[key] = counts.get(key, 0) + int(sample.value)
    return counts


@pytest.fixture(scope="module")
def stack(server_root, free_port):
    """One of its own: in the others' an instance was restarted, which begins again to count."""
    root = Path(mkdtemp(prefix="numbers-", dir=server_root))
    root.chmod(0o755)
    with watched(root, free_port) as stack:
        yield stack


@pytest.fixture
def views(stack, opened):
    """Each view of the documents in total, by what shows it; the page stays open meanwhile."""
    page = opened()
    service, operations = stack.service, stack.watch.address

    def on_page() -> Counts:
        cells = page.locator("[data-window='total'][data-kind]:not([data-kind='all']):not([data-outcome='rate'])")
        shown = cells.evaluate_all("(all) => all.map((each) => ({...each.dataset}))")
        return {(each["kind"], each["outcome"]): int(each["value"]) for each in shown}

    def in_json() -> Counts:
        kinds = json.loads(service.get("/dashboard.json", operations)[2])["kinds"]
        return {(k, o): kinds[k]["total"][o] for k in kinds if k != "all" for o in OUTCOMES}

    def in_terminal() -> Counts:
        command = [sys.executable, "-m", "service.watch.terminal", "--once"]
        environ = environment(service.settings)
        # It fails while an instance is silent, and shows the numbers all the same.
        run = subprocess.run(
            command, cwd=CHECKOUT, env=environ, stdout=subprocess.PIPE, text=True, check=False, timeout=20
        )
        rows = [line.split() for line in run.stdout.splitlines()]
        totals = [row for row in rows if row[1:2] == ["total"] and row[0] != "all"]
        return {(row[0], o): int(row[i].replace(",", "")) for row in totals for i, o in enumerate(OUTCOMES, 4)}

    def in_sums() -> Counts:
        return of_samples(service.get("/metrics", operations)[2])

    def in_instances() -> Counts:
        return of_samples(*(service.get("/metrics", each.address)[2] for each in service.instances))

    return {"page": on_page, "json": in_json, "terminal": in_terminal, "sums": in_sums, "instances": in_instances}


def all_show(views, wanted: Counts) -> None:
    for name, view in views.items():
        wait_until(lambda view=view: view().items() >= wanted.items())
        assert {key: view()[key] for key in wanted} == wanted, name


def read(stack, times: int, paths: list[str]) -> None:
    for path in paths:
        assert {stack.service.get(path)[0] for _ in range(times)} == {200}


def test_every_view_of_known_traffic_has_the_same_numbers(stack, views):
    before = views["instances"]()
    numbers = [next(stack.service.unread) for _ in range(3)]
    read(stack, 5, [f"/products/{number}{suffix}" for number in numbers for suffix in KINDS.values()])
    read(stack, 1, [f"/products?ids={','.join(map(str, numbers))}"])
    wanted = {(kind, "miss"): before[kind, "miss"] + 3 for kind in (*KINDS, "card")}
    wanted |= {(kind, "hit"): before[kind, "hit"] + 12 for kind in KINDS}
    all_show(views, before | wanted)


def test_no_number_falls_when_a_worker_is_killed(stack, views):
    read(stack, 4, [f"/products/{next(stack.service.unread)}" for _ in range(2)])
    before = views["instances"]()
    all_show(views, before)
    for instance in stack.service.instances:
        (worker,) = instance.children()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda instance=instance, worker=worker: bool(instance.children() - {worker}))
    wait_until(lambda: stack.service.states() == ["ok", "ok"])
    all_show(views, before)
    read(stack, 2, [f"/products/{next(stack.service.unread)}"])
    all_show(views, before | {("product", kind): before["product", kind] + 1 for kind in ("hit", "miss")})


def test_an_instance_that_is_restarted_takes_nothing_from_what_is_watched(stack, views):
    read(stack, 4, [f"/products/{next(stack.service.unread)}"])
    all_show(views, before := views["instances"]())
    stack.service.instances[0].restart()
    del views["instances"]  # which begins again
    all_show(views, before)


def test_with_redis_stopped_the_page_goes_on_and_says_so(stack, opened, views):
    page = opened()
    expect(page.get_by_role("status").first).to_contain_text("Redis and Postgres are up", timeout=LIVE_MS)
    before = views["sums"]()
    stack.service.redis.stop()
    try:
        expect(page.get_by_role("status").first).to_contain_text("Redis is down, Postgres is up", timeout=LIVE_MS)
        read(stack, 6, [f"/products/{next(stack.service.unread)}"])
        wanted = before["product", "bypass"] + 6
        bypass = page.locator("[data-kind='product'][data-outcome='bypass'][data-window='total']")
        expect(bypass).to_have_attribute("data-value", str(wanted), timeout=LIVE_MS)
    finally:
        stack.service.redis.start()
    expect(page.get_by_role("status").first).to_contain_text("Redis and Postgres are up", timeout=LIVE_MS)
    expect(page.locator("#events")).to_contain_text("does not respond", timeout=LIVE_MS)
