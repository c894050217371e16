"""What compose.yaml promises of every container, whoever adds one."""

import re

import pytest

from service.settings import Settings
from tests.deploy.composed import COMPOSE, SERVICES

SECRET = {field.name.upper() for field in Settings.__dataclass_fields__.values() if field.metadata["secret"]}
EACH = [pytest.param(service, id=name) for name, service in SERVICES.items()]
OURS = [pytest.param(service, id=name) for name, service in SERVICES.items() if "overview:" in service["image"]]


@pytest.mark.parametrize("service", EACH)
def test_a_container_has_limits_and_no_privileges(service):
    limits = service["deploy"]["resources"]["limits"]
    assert {"cpus", "memory"} <= limits.keys()
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] in ("unless-stopped", "no")


@pytest.mark.parametrize("service", OURS)
def test_secrets_come_from_files_that_are_given_to_it(service):
    given = {name: value for name, value in service["environment"].items() if name.removesuffix("_FILE") in SECRET}
    assert given == {f"{name.upper()}_FILE": f"/run/secrets/{name}" for name in service["secrets"]}
    assert set(service["secrets"]) <= COMPOSE["secrets"].keys()


@pytest.mark.parametrize("service", OURS)
def test_its_settings_are_settings(service):
    names = {name.removesuffix("_FILE") for name in service["environment"]}
    assert names <= {name.upper() for name in Settings.__dataclass_fields__}


def test_only_nginx_can_be_reached_from_outside():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published.keys() == {"nginx", "watch"}
    assert all(port.startswith("127.0.0.1:") for port in published["watch"])
    assert {name for name, service in SERVICES.items() if "public" in service["networks"]} == {"nginx"}
    assert COMPOSE["networks"]["stores"] == {"internal": True}


def test_what_is_stopped_has_more_time_than_its_current_requests(graceful_seconds):
    for name in ("web-1", "web-2", "nginx"):
        assert int(re.fullmatch(r"(\d+)s", SERVICES[name]["stop_grace_period"])[1]) > graceful_seconds
