"""What the units have in common with the rest: processes, settings, sockets, times."""

import configparser
import re

import pytest

from deploy.local.instances import CHECKOUT, procfile
from service.settings import Settings

FOLDER = CHECKOUT / "deploy" / "systemd"
UNITS = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.service")}
COMMON = (FOLDER / "overview-.service.d" / "10-overview.conf").read_text("utf-8")
SECRET = {field.name for field in Settings.__dataclass_fields__.values() if field.metadata["secret"]}
LASTING = [pytest.param(UNITS[name], id=name) for name in sorted(UNITS.keys() - {"overview-migrate.service"})]


def settings() -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / "settings.example").read_text("utf-8"), re.MULTILINE))


def test_every_process_has_a_unit():
    kinds = {re.fullmatch(r"overview-(\w+)@?\.service", name)[1] for name in UNITS}
    assert kinds == {*procfile(), "migrate", "nginx"}


def test_the_target_starts_all_of_them():
    wanted = re.findall(r"[\w-]+(?:@\d)?\.service", (FOLDER / "overview.target").read_text("utf-8"))
    assert {re.sub(r"@\d", "@", name) for name in wanted} == UNITS.keys()
    started = {f"unix:/run/overview/{name[13]}/web.sock" for name in wanted if name.startswith("overview-web@")}
    assert set(settings()["INSTANCES"].split(",")) == started


def test_the_credentials_are_the_secrets():
    loaded = dict(re.findall(r"^LoadCredential=(\w+):(.+)$", COMMON, re.MULTILINE))
    assert loaded.items() >= {"database_url": "/etc/overview/database_url"}.items()
    files = dict(re.findall(r"(\w+)_FILE=%d/(\w+)", COMMON))
    assert files == {name.upper(): name for name in loaded}
    assert loaded.keys() <= SECRET


def test_the_example_has_settings_only():
    assert settings().keys() <= {name.upper() for name in Settings.__dataclass_fields__.keys() - SECRET}


@pytest.mark.parametrize("unit", LASTING)
def test_what_ends_is_started_again_and_has_time_to_stop(unit: str, graceful_seconds: int):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(unit)
    assert parser["Service"]["Restart"] == "always"
    assert int(parser["Service"]["TimeoutStopSec"]) > graceful_seconds
