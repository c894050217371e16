"""What the image has, without an engine: the files that the Dockerfile copies, and the packages that it installs."""

import importlib.metadata
import json
import re
import shutil
import sys
from pathlib import Path

from deploy.local.instances import CHECKOUT

DOCKERFILE = (CHECKOUT / "deploy" / "Dockerfile").read_text("utf-8").replace("\\\n", "")


def copied() -> list[str]:
    """The paths of the checkout that the last stage has, each at the same place below its working directory."""
    lines = re.findall(r"^COPY ((?!--from).+)$", DOCKERFILE.rpartition("\nFROM ")[2], re.MULTILINE)
    pairs = [line.split() for line in lines]
    assert all(target in (source, ".") for source, target in pairs), pairs
    return [source for source, _ in pairs]


def health_check() -> list[str]:
    return json.loads(re.search(r"^HEALTHCHECK .*? CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)[1])


class Image:
    """The content in ``root``; programs in ``root/bin`` see no other packages than the image has."""

    def __init__(self, root: Path) -> None:
        self.application, self.programs, self._packages = (root / name for name in ("application", "bin", "packages"))
        for path in copied():
            _copy(CHECKOUT / path, self.application / path)
        self._install((CHECKOUT / "requirements.txt").read_text("utf-8"))
        self._program("python", f'export PYTHONPATH="{self._packages}"; exec "{sys.executable}" -S')
        self._program("gunicorn", f'exec "{self.programs}/python" -m gunicorn')

    def _install(self, requirements: str) -> None:
        self._packages.mkdir()
        for name in re.findall(r"^([\w-]+)==", requirements, re.MULTILINE):
            files = importlib.metadata.files(name) or []
            for top in {file.parts[0] for file in files} - {".."}:
                if (path := Path(files[0].locate()).parents[len(files[0].parts) - 1] / top).exists():
                    self._packages.joinpath(top).symlink_to(path)

    def _program(self, name: str, line: str) -> None:
        self.programs.mkdir(exist_ok=True)
        path = self.programs / name
        path.write_text(f'#!/bin/sh\n{line} "$@"\n')
        path.chmod(0o755)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
