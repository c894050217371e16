"""``make deploy-check``: what deploys the service is read by the programs that will read it.

Not one of ``make test``: the programs are large (deploy/requirements-check.txt), and ``systemd-analyze`` is Debian's.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.instances import CHECKOUT
from tests.deploy.composed import SERVICES

FILES = CHECKOUT / "deploy"
PROGRAMS = Path(sys.executable).parent


UNITS = sorted(path.name for path in FILES.glob("systemd/*.service"))
MOST_EXPOSED = 15  # tenths
MANIFESTS = [path for path in FILES.glob("kubernetes/*.yaml") if path.name != "kustomization.yaml"]


def run(*command: str | Path, **environ: str) -> str:
    """Output of a program that has nothing to say against its input."""
    given = {"env": {**os.environ, **environ}, "cwd": CHECKOUT}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **given)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_hadolint_finds_nothing_in_the_dockerfile():
    assert run(PROGRAMS / "hadolint", FILES / "Dockerfile") == ""


def test_docker_compose_reads_the_file():
    read = json.loads(run(PROGRAMS / "docker-compose", "-f", FILES / "compose.yaml", "config", "--format", "json"))
    assert read["services"].keys() == SERVICES.keys()


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units with the programs that they name in a folder of the test, as systemd looks for those too."""
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(FILES / "systemd", folder, dirs_exist_ok=True)
    for program in ("python", "gunicorn", "nginx"):
        (folder / program).symlink_to("/bin/true")
    for unit in folder.glob("*.service"):
        text = unit.read_text("utf-8").replace("/opt/overview/.venv/bin/", f"{folder}/")
        unit.write_text(text.replace("/usr/sbin/nginx ", f"{folder}/nginx "), "utf-8")
    for template in folder.glob("*@.service"):
        (folder / template.name.replace("@.", "@1.")).symlink_to(template)
    return folder


@pytest.mark.parametrize("unit", [*(name.replace("@.", "@1.") for name in UNITS), "overview.target"])
def test_systemd_reads_the_unit(units: Path, unit: str):
    run("systemd-analyze", "verify", "--man=no", units / unit, SYSTEMD_UNIT_PATH=f"{units}:")


@pytest.mark.parametrize("unit", [name.replace("@.", "@1.") for name in UNITS])
def test_a_unit_may_do_little(units: Path, unit: str):
    options = ("--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}")
    run("systemd-analyze", "security", *options, units / unit, SYSTEMD_UNIT_PATH=f"{units}:")


@pytest.mark.parametrize("manifest", sorted(path.name for path in MANIFESTS))
def test_the_manifest_is_of_kubernetes_schemas(manifest: str):
    said = run(PROGRAMS / "kubernetes-validate", "--strict", FILES / "kubernetes" / manifest)
    assert " passed " in said
