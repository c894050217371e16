"""Requests made of openapi.json by schemathesis: valid ones, invalid ones, and sequences of them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.openapi.__main__ import SNAPSHOT

ANSWER_SECONDS = 10
_CONFIGURATION = Path(__file__).parent / "schemathesis.toml"
# A request can be valid by its schema and still be refused, as for a sku that does not exist; and /cart/lines and
# /cart/merge are also paths of a line, whose methods say that these are no ids.
_NOT_OF_THE_CONTRACT = "positive_data_acceptance,unsupported_method,allow_header_conformance"
_IS_5XX = "ServerError"
_NO_ANSWER = {"Network Error", "Server Unavailable", "Unhealthy API", "Unresponsive Operation"}


@dataclass(frozen=True)
class Found:
    """Figures of a run: requests, answers of 5xx, answers that break the contract, requests without an answer.

    ``unmade`` are sequences that schemathesis itself could not finish.
    """

    cases: int
    server_errors: int
    broken: int
    hung: int
    unmade: int
    said: str

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.cases > 0 and not (self.server_errors or self.broken or self.hung)

    def failures(self) -> str:
        """What schemathesis says of them, with requests that repeat them."""
        starts = [self.said.find(name) for name in (" ERRORS ", " FAILURES ")]
        return self.said[min((start for start in starts if start >= 0), default=0) :].partition(" SUMMARY ")[0]


def run(url: str, directory: Path, examples: int, *, seed: int) -> Found:
    """Ask for every operation with about so many examples. What schemathesis leaves is in ``directory``."""
    report = directory / "report.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIGURATION)),
        *("run", str(SNAPSHOT), "--url", url, "--no-color"),
        *("--checks", "all", "--exclude-checks", _NOT_OF_THE_CONTRACT),
        *("--max-examples", str(examples), "--seed", str(seed), "--request-timeout", str(ANSWER_SECONDS)),
        *("--continue-on-failure", "--report", "json", "--report-json-path", str(report)),
    ]
    ran = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=3600, check=False)
    if not report.exists():
        raise RuntimeError(ran.stdout + ran.stderr)
    return _figures(json.loads(report.read_text("utf-8")), ran.stdout)


def _figures(report: dict, said: str) -> Found:
    failures = report["failures"]
    server_errors = sum(one["count"] for one in failures if one["type"] == _IS_5XX)
    broken = sum(one["count"] for one in failures) - server_errors
    hung = sum(one["count"] for one in report["errors"] if one["title"] in _NO_ANSWER)
    unmade = sum(one["count"] for one in report["errors"]) - hung
    return Found(report["test_cases"]["generated"], server_errors, broken, hung, unmade, said)
