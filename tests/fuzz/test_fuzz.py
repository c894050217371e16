"""A short run of ``make fuzz``."""

import json
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pytest

from tests.fuzz import contract, raw
from tests.fuzz.stack import fuzzed


@pytest.fixture(scope="module")
def service(server_root: Path, free_port):
    root = Path(mkdtemp(prefix="fuzz-", dir=server_root))
    root.chmod(0o755)
    with fuzzed(root, free_port) as service:
        yield service


def test_no_request_that_the_contract_makes_is_answered_against_it(service, tmp_path):
    found = contract.run(service.nginx.url, tmp_path, examples=6, seed=1)
    assert found.cases > 500
    assert found.is_clean, found.failures()


def test_an_answer_against_the_contract_is_found(service, tmp_path, monkeypatch):
    other = json.loads(contract.SNAPSHOT.read_text("utf-8"))
    other["components"]["schemas"]["Product"]["properties"]["default_price"] = {"type": "integer"}
    other["paths"] = {"/products/{product_id}": other["paths"]["/products/{product_id}"]}
    monkeypatch.setattr(contract, "SNAPSHOT", tmp_path / "other.json")
    contract.SNAPSHOT.write_text(json.dumps(other), "utf-8")
    found = contract.run(service.nginx.url, tmp_path, examples=1, seed=1)
    assert found.broken > 0, found.said


def test_damaged_requests_are_refused_or_answered_and_hold_nothing_up(service):
    counted = raw.run([service.nginx.address, service.instances[0].address], 3000, Random(1))
    assert (raw.server_errors(counted), counted["hung"]) == (0, 0)
    assert {"200", "400"} <= counted.keys()
    assert service.states() == ["ok", "ok"]
