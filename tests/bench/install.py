"""The programs that only a comparison needs: looked for, or installed below ``.run/bench`` at the first use."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from deploy.local.processes import StackError

PEERS = Path(__file__).with_name("peers")
_NEEDED = {"wrk": "wrk", "node": "nodejs", "npm": "npm", "taskset": "util-linux"}
_PACKAGES, _LOCK = PEERS / "express" / "package.json", PEERS / "express" / "package-lock.json"
_REQUIREMENTS = PEERS / "fastapi" / "requirements.txt"


def check() -> None:
    """Raise StackError with what to install if a program is missing, or if this is not Linux."""
    if sys.platform != "linux":
        raise StackError("make bench needs Linux: it pins processes to cores")
    if missing := [package for program, package in _NEEDED.items() if shutil.which(program) is None]:
        raise StackError(f"make bench needs {', '.join(missing)}: apt install {' '.join(missing)}")


def express(folder: Path) -> Path:
    """Install what Express needs; return its ``node_modules``."""
    if not _installed(folder, _LOCK):
        folder.mkdir(parents=True)
        shutil.copy(_PACKAGES, folder)
        shutil.copy(_LOCK, folder)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
        shutil.copy(_LOCK, _mark(folder))
    return folder / "node_modules"


def fastapi(folder: Path) -> Path:
    """Install what FastAPI needs into an environment of its own; return its ``uvicorn``."""
    if not _installed(folder, _REQUIREMENTS):
        venv.create(folder, with_pip=True)
        pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
        _run([*pip, "-r", _REQUIREMENTS], folder)
        shutil.copy(_REQUIREMENTS, _mark(folder))
    return folder / "bin" / "uvicorn"


def _mark(folder: Path) -> Path:
    return folder / "installed"


def _installed(folder: Path, wanted: Path) -> bool:
    """Whether just this is there; anything else is removed."""
    if _mark(folder).exists() and _mark(folder).read_bytes() == wanted.read_bytes():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _run(command: list[str | Path], folder: Path) -> None:
    print(f"installing   what {folder.name} needs into {folder}", flush=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"{command[0]} failed:\n{done.stderr[-2000:]}")
