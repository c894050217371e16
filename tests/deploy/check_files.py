"""``make deploy-check``: what deploys the service is read by the programs that will read it.

Not one of ``make test``: the programs are large (deploy/requirements-check.txt), and ``systemd-analyze`` is Debian's.
"""

import json
import subprocess
import sys
from pathlib import Path

from deploy.local.instances import CHECKOUT
from tests.deploy.composed import SERVICES

FILES = CHECKOUT / "deploy"
PROGRAMS = Path(sys.executable).parent


def run(*command: str | Path) -> str:
    """Output of a program that has nothing to say against its input."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=CHECKOUT)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_hadolint_finds_nothing_in_the_dockerfile():
    assert run(PROGRAMS / "hadolint", FILES / "Dockerfile") == ""


def test_docker_compose_reads_the_file():
    read = json.loads(run(PROGRAMS / "docker-compose", "-f", FILES / "compose.yaml", "config", "--format", "json"))
    assert read["services"].keys() == SERVICES.keys()
