"""``make observability``: Prometheus' own programs read what the service exposes, the alert rules and the dashboard.

Not one of ``make test``: it needs ``prometheus`` and ``promtool`` on the PATH (Debian: apt-get install prometheus).
"""

import dataclasses
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from deploy.local import probes
from deploy.local.instances import CHECKOUT
from deploy.local.places import RunDirectory
from deploy.local.processes import Child, StackError
from service.metrics.series import SERIES
from service.settings import Settings
from tests.chaos.waits import wait_until

FILES = CHECKOUT / "deploy" / "observability"
DASHBOARD = json.loads((FILES / "grafana-dashboard.json").read_text("utf-8"))


def get(address: str, path: str) -> bytes:
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.status == 200, (path, answer.status, body)
    return body


def promtool(*arguments: str | Path, given: bytes = b"") -> None:
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b""), done.stdout.decode() + done.stderr.decode()


class Stack:
    """A local stack of its own, with some traffic behind it."""

    def __init__(self, directory: Path, free_port: Callable[[str], int]) -> None:
        self._run = RunDirectory(directory)
        self.web, self.operations = (f"127.0.0.1:{free_port(f'{directory} {name}')}" for name in ("web", "operations"))
        names = {field.name.upper() for field in dataclasses.fields(Settings)}
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        replica = "postgresql://nobody@127.0.0.1:1/none"  # one that is down has metrics too
        addresses = {"LISTEN": self.web, "OPERATIONS": self.operations, "DATABASE_READ_URL": replica}
        self._environ = {**inherited, **addresses}

    def command(self, name: str) -> None:
        line = [sys.executable, "-m", "deploy.local", "--directory", self._run.path, name]
        done = subprocess.run(line, cwd=CHECKOUT, env=self._environ, capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()

    def instances(self) -> list[str]:
        return [part["address"] for part in self._run.state()["parts"] if part["name"].startswith("web.")]

    def expositions(self) -> list[tuple[str, str]]:
        return [
            *((instance, "/metrics") for instance in self.instances()),
            *((self.operations, path) for path in ("/metrics", "/metrics/redis")),
        ]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, free_port) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("stack"), free_port)
    try:
        made.command("up")
        for path in ("/products/1", "/products/1", "/products/1/styles", "/products/1/related", "/products?ids=1,2"):
            get(made.web, path)
        yield made
    finally:
        made.command("clean")


class Prometheus(Child):
    """A Prometheus with the project's configuration, at a stack's addresses and with a second between two scrapes."""

    def __init__(self, directory: Path, port: int, stack: Stack) -> None:
        shutil.copy(FILES / "rules.yml", directory)
        text = (FILES / "prometheus.yml").read_text("utf-8")
        for old, new in (
            ('"127.0.0.1:8001", "127.0.0.1:8002"', json.dumps(stack.instances())[1:-1]),
            ("127.0.0.1:8081", stack.operations),
            ("interval: 15s", "interval: 1s"),
        ):
            assert old in text
            text = text.replace(old, new)
        (directory / "prometheus.yml").write_text(text, "utf-8")
        self.address = f"127.0.0.1:{port}"
        command = ["prometheus", f"--web.listen-address={self.address}"]
        command += [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
        super().__init__("prometheus", command, directory / "log", directory=directory)

    def probe(self) -> None:
        if probes.status(self.address, "/-/ready") != 200:
            raise StackError("not ready")

    def asked(self, path: str) -> Any:
        return json.loads(get(self.address, f"/api/v1/{path}"))["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        return self.asked(f"query?query={quote(expression)}")["result"]

    def rules(self) -> list[dict[str, Any]]:
        return [rule for group in self.asked("rules")["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, free_port, stack: Stack) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    server = Prometheus(directory, free_port(str(directory)), stack)
    server.start()
    yield server
    server.stop()


def expressions() -> Sequence[Any]:
    return [
        pytest.param(target["expr"], id=f"{panel['title']}, {target['legendFormat']}")
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]


def test_the_rules_fire_where_they_should_and_nowhere_else():
    promtool("test", "rules", FILES / "rules_test.yml")


def test_the_configuration_and_the_rules_are_well_formed():
    promtool("check", "config", FILES / "prometheus.yml")


def test_every_alert_is_seen_to_fire_and_not_to_fire():
    alerts = re.findall(r"- alert: (\w+)", (FILES / "rules.yml").read_text("utf-8"))
    tested = re.findall(
        r'alertname="(\w+)".*\n.*\n +exp_samples:( \[\])?', (FILES / "rules_test.yml").read_text("utf-8")
    )
    assert sorted(set(tested)) == sorted((alert, result) for alert in alerts for result in ("", " []"))


def test_promtool_finds_nothing_wrong_with_what_is_exposed(stack: Stack):
    for address, path in stack.expositions():
        promtool("check", "metrics", given=get(address, path))


def test_prometheus_scrapes_every_part(prometheus: Prometheus, stack: Stack):
    def up() -> set[tuple[str, str]]:
        return {(each["metric"]["job"], each["metric"]["instance"]) for each in prometheus.query("up == 1")}

    parts = {("overview", instance) for instance in stack.instances()}
    parts |= {("overview-watch", stack.operations), ("overview-redis", stack.operations)}
    wait_until(lambda: up() == parts)


def test_prometheus_evaluates_every_rule(prometheus: Prometheus):
    wait_until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()))
    assert [(rule["name"], rule.get("lastError")) for rule in prometheus.rules() if rule["health"] != "ok"] == []


@pytest.mark.parametrize("expression", expressions())
def test_every_expression_of_the_dashboard_finds_something(expression: str, prometheus: Prometheus):
    expression = expression.replace("$__rate_interval", "1m").replace("$job", ".+").replace("$instance", ".+")
    wait_until(lambda: bool(prometheus.query(expression)))


def test_what_the_instances_count_is_scraped_once(prometheus: Prometheus):
    wait_until(lambda: bool(prometheus.query("nginx_http_requests_total")))  # the watch process has been scraped
    for family in {series.partition("{")[0] for series in SERIES}:
        wait_until(lambda family=family: bool(prometheus.query(family)))
        assert {each["metric"]["job"] for each in prometheus.query(f"group by (job) ({family})")} == {"overview"}
