"""Command line of the local stack, called by the Makefile: ``python -m deploy.local COMMAND``."""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.local import probes
from deploy.local.foreground import run_until_stopped
from deploy.local.instances import CHECKOUT, environment
from deploy.local.parts import say
from deploy.local.places import RunDirectory
from deploy.local.processes import StackError
from deploy.local.seeding import full_seed_commands, seed_commands
from deploy.local.supervisor import Supervisor, invitation
from service.settings import SettingError

_UP_SECONDS = 300
_DOWN_SECONDS = 120
_FULL_FILES_GB = 2.4
# A load keeps the old catalogue until the new one is complete, and WAL grows to max_wal_size.
_FULL_DATABASE_GB = 10


def run(directory: RunDirectory) -> int:
    """Run the stack in the foreground until Ctrl-C."""
    run_until_stopped(Supervisor(directory).serve)
    return 0


def up(directory: RunDirectory) -> int:
    """Run the stack in the background; return when it is ready."""
    if directory.supervisor():
        print("already running")
        print(*invitation(directory.environment()), sep="\n")
        return 0
    directory.path.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deploy.local", "--directory", directory.path, "run"]
    with directory.stack_log.open("wb") as log:
        null = subprocess.DEVNULL
        process = subprocess.Popen(command, cwd=CHECKOUT, stdin=null, stdout=log, stderr=log, start_new_session=True)
    try:
        return _follow(directory, process)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _follow(directory: RunDirectory, process: subprocess.Popen[bytes]) -> int:
    """Repeat the supervisor's lines until it is ready or gone."""
    deadline = time.monotonic() + _UP_SECONDS
    with directory.stack_log.open(encoding="utf-8", errors="replace") as log:
        while time.monotonic() < deadline:
            ended, ready = process.poll() is not None, directory.state().get("pid") == process.pid
            print(log.read(), end="", flush=True)
            if ended or ready:
                return 1 if ended else 0
            time.sleep(0.05)
    raise StackError(f"not ready within {_UP_SECONDS} s: see {directory.stack_log}")


def down(directory: RunDirectory) -> int:
    """Stop the stack, also one that runs in the foreground."""
    pid = directory.supervisor()
    if pid is None:
        print("not running")
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_SECONDS
    while directory.supervisor() is not None:
        if time.monotonic() > deadline:
            raise StackError(f"process {pid} did not stop within {_DOWN_SECONDS} s")
        time.sleep(0.05)
    print("stopped")
    return 0


def status(directory: RunDirectory) -> int:
    """Print the state of each part; return 1 if any is down."""
    state = directory.state()
    if directory.supervisor() is None or "parts" not in state:
        print("not running" if directory.supervisor() is None else "starting")
        return 1
    settings = directory.environment()
    lines = [(part["name"], part["pid"], part["address"]) for part in state["parts"]]
    named = {name for name, _, _ in lines}
    lines += [(name, "yours", "") for name in ("postgres", "redis") if name not in named]
    found = [_health(name, pid, address, settings) for name, pid, address in lines]
    for (name, pid, address), health in zip(lines, found, strict=True):
        say(name, f"{pid!s:<8} {address:<22} {health}")
    return 0 if all(health == "up" for health in found) else 1


def _health(name: str, pid: int | str, address: str, settings: dict[str, str]) -> str:
    try:
        if name == "postgres":
            probes.postgres(settings["DATABASE_URL"])
        elif name == "redis":
            probes.redis(settings["REDIS_URL"])
        elif address:
            probes.alive(address)
        elif isinstance(pid, int):
            os.kill(pid, 0)
    except (OSError, StackError) as error:
        return f"down: {error}"
    return "up"


def _running(directory: RunDirectory) -> dict[str, str]:
    if directory.supervisor() is None or not directory.environment():
        raise StackError("the stack is not running: make up")
    return environment(directory.environment())


def with_settings(directory: RunDirectory, module: str, arguments: list[str]) -> int:
    """Run a module with the settings of the running stack."""
    environ = _running(directory)
    os.chdir(CHECKOUT)
    # In place of this process, so that Ctrl-C is the module's to handle.
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environ)  # noqa: S606


def seed(directory: RunDirectory, catalogue: Path | None, full: bool) -> int:
    """Load a catalogue, or the sample, into the running stack."""
    environ = _running(directory)
    commands = seed_commands(directory, catalogue.absolute() if catalogue else None)
    if full:
        free = shutil.disk_usage(directory.path).free / 1e9
        say("disk", f"{_FULL_FILES_GB} GB for files, {_FULL_DATABASE_GB} GB for the database; {free:.0f} GB are free")
        commands = full_seed_commands(directory)
    for arguments in commands:
        if code := subprocess.run([sys.executable, *arguments], cwd=CHECKOUT, env=environ, check=False).returncode:
            return code
    return 0


def clean(directory: RunDirectory) -> int:
    """Stop the stack and delete its data."""
    down(directory)
    directory.remove()
    return 0


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("--directory", type=Path, default=CHECKOUT / ".run", help="where its state is (.run)")
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (run, up, status, down, clean):
        commands.add_parser(command.__name__, help=command.__doc__).set_defaults(call=command)
    seeding = commands.add_parser("seed", help=seed.__doc__)
    what = seeding.add_mutually_exclusive_group()
    what.add_argument("catalogue", type=Path, nargs="?")
    what.add_argument("--full", action="store_true", help="make a catalogue of the old service's size, and load that")
    seeding.set_defaults(call=seed)
    running = commands.add_parser("with", help=with_settings.__doc__)
    running.add_argument("module")
    running.add_argument("arguments", nargs=argparse.REMAINDER)
    running.set_defaults(call=with_settings)
    return parser.parse_args()


def main() -> int:
    """Run one command; an error is one message, without a traceback."""
    options = {name: value for name, value in vars(_parsed()).items() if name != "command"}
    call, directory = options.pop("call"), RunDirectory(options.pop("directory"))
    try:
        return call(directory, **options)
    except (StackError, SettingError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
