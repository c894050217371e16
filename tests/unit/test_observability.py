"""The Grafana dashboard by the rules of Grafana's dashboard-linter; what the texts of the alerts refer to."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from deploy.observability.dashboard import dashboard

_UNITS = {"percentunit", "ops", "reqps", "s", "bytes", "none"}
_SELECTOR = re.compile(r"\b(\w+)\{([^}]*)\}")
_COUNTER = re.compile(r"_(total|bucket|sum|count)$")

RULES = Path("deploy/observability/rules.yml").read_text("utf-8")
DASHBOARD = json.loads(Path("deploy/observability/grafana-dashboard.json").read_text("utf-8"))
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
PANELS = [pytest.param(panel, id=panel["title"]) for panel in DASHBOARD["panels"]]


def test_it_is_what_its_module_makes():
    assert dashboard() == DASHBOARD


def test_it_can_be_imported_again_and_again():
    assert (DASHBOARD["id"], DASHBOARD["uid"], DASHBOARD["schemaVersion"]) == (None, "product-overview", 39)
    assert not DASHBOARD["editable"]


def test_its_data_source_is_a_variable():
    source = VARIABLES["datasource"]
    assert (source["type"], source["query"], source["label"]) == ("datasource", "prometheus", "Data source")


@pytest.mark.parametrize("name", ["job", "instance"])
def test_job_and_instance_are_variables(name):
    variable = VARIABLES[name]
    assert (variable["type"], variable["label"], variable["datasource"]["uid"]) == (
        "query",
        name.title(),
        "${datasource}",
    )
    assert (variable["multi"], variable["allValue"], variable["refresh"]) == (True, ".+", 2)


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_what_it_shows(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in _UNITS


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_reads_the_chosen_data_source(panel):
    assert {each["datasource"]["uid"] for each in (panel, *panel["targets"])} == {"${datasource}"}
    assert panel["targets"]
    assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize("panel", PANELS)
def test_every_selector_is_of_the_chosen_jobs_and_instances(panel):
    for target in panel["targets"]:
        names = re.findall(r"\b(?:overview|redis|nginx)_\w+", target["expr"])
        selectors = _SELECTOR.findall(target["expr"])
        assert names == [name for name, _ in selectors]
        for _, matchers in selectors:
            assert {'job=~"$job"', 'instance=~"$instance"'} <= set(matchers.split(", "))


@pytest.mark.parametrize("panel", PANELS)
def test_counters_are_rates_over_grafanas_interval(panel):
    for target in panel["targets"]:
        for before, name, after in re.findall(r"(.{5})\b(\w+)\{[^}]*\}(.{19})", target["expr"] + " " * 19):
            is_rate = (before, after) == ("rate(", "[$__rate_interval])")
            assert is_rate == bool(_COUNTER.search(name))
        assert target["expr"].count("[") == target["expr"].count("[$__rate_interval]")


def test_no_panel_covers_another():
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]
    for one, other in combinations(places, 2):
        assert one["x"] != other["x"] or abs(one["y"] - other["y"]) >= one["h"]
    assert all(place["x"] + place["w"] <= 24 for place in places)


def test_the_texts_of_alerts_name_what_there_is():
    alerts = set(re.findall(r"- alert: (\w+)", RULES))
    assert set(re.findall(r"\bOverview\w+", RULES)) == alerts
    assert all(Path(path).exists() for path in re.findall(r"\b(?:docs/)?[\w-]+\.md", RULES))
    faults = re.findall(r'docs/failure.md, "([^"]+)"', re.sub(r"\s+", " ", RULES))
    failure = Path("docs/failure.md").read_text("utf-8")
    assert len(faults) == 3
    assert all(f"| {fault} |" in failure for fault in faults)


def test_every_alert_says_how_bad_it_is_and_what_to_do():
    alerts = RULES.split("- alert: ")[1:]
    for alert in alerts:
        assert re.search(r"labels: \{severity: (critical|warning)\}", alert)
        assert re.search(r"summary: .+\n +description: ", alert)
