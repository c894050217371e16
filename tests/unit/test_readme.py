"""What README.md says that can drift."""

import re
import subprocess
from pathlib import Path

import pytest

from service import settings
from service.app import create_app

README = Path("README.md").read_text("utf-8")


def test_the_table_of_settings_is_the_settings():
    shown = re.search(r"<!-- python -m service.settings -->\n(.*?)\n<!-- end -->", README, re.DOTALL)
    assert shown[1] == settings.table()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:service|migrations|etl|tests|docs)/[\w./-]*\w", README))))
def test_every_file_it_names_is_there(path):
    assert Path(path).exists()


def test_every_target_it_names_is_in_the_makefile():
    listed = subprocess.run(["make", "help"], capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^make (\w+)", listed, re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)\b(?= ?[`\nC])", README))
    assert {"run", "test", "seed", "hits"} <= named <= targets


def test_every_route_of_the_service_stands_in_its_table():
    app = create_app(settings.Settings("postgresql://127.0.0.1:1/none", "redis://127.0.0.1:1/0", "s" * 32))
    rules = {
        rule.rule.replace("<product_id>", "{id}").replace("<sku_id>", "{sku_id}") for rule in app.url_map.iter_rules()
    }
    table = set(re.findall(r"(/(?:products|cart|livez|readyz|openapi|docs)[\w./{}]*)", README.split("## Settings")[0]))
    assert rules - {"/metrics", "/metrics/history", "/docs/<name>"} <= table
    assert "/metrics" in README


def test_every_decision_is_linked():
    assert {path.as_posix() for path in Path("docs/decisions").glob("*.md")} == set(
        re.findall(r"\]\((docs/decisions/[^)]*)\)", README)
    )
