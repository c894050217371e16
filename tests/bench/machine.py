"""Where and with what a table was made."""

import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.local import binaries, probes
from tests.bench.install import PEERS


def described(settings: Mapping[str, str], shelf: Path) -> list[str]:
    """The date, the processor and the versions of everything that took part."""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return [f"{today}, {os.cpu_count()} cores of {processor()}", ", ".join(_versions(settings, shelf))]


def processor() -> str:
    """What the machine calls its processor."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _versions(settings: Mapping[str, str], shelf: Path) -> list[str]:
    packages = json.loads((PEERS / "express" / "package.json").read_text("utf-8"))["dependencies"]
    fastapi = dict(line.split("==") for line in (PEERS / "fastapi" / "requirements.txt").read_text().splitlines())
    return [
        f"Python {platform.python_version()}",
        *(f"{name} {importlib.metadata.version(name)}" for name in ("gunicorn", "flask")),
        *(f"{name} {packages[name]}" for name in ("express",)),
        f"node {_said('node', '--version')}",
        *(f"{name} {fastapi[name]}" for name in ("fastapi", "uvicorn")),
        f"nginx {_said(binaries.nginx(shelf), '-v')}",
        *_stores(settings),
    ]


def _stores(settings: Mapping[str, str]) -> list[str]:
    with probes.query(settings["DATABASE_URL"]) as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0].split()[0]
    with probes.client(settings["REDIS_URL"]) as client:
        info = client.info("server")
    name = info.get("server_name", "redis")
    return [f"Postgres {postgres}", f"{name} {info.get(f'{name}_version', info['redis_version'])}"]


def _said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"
