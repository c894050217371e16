"""What the watch process knows, in a terminal: ``python -m service.watch.terminal``.

On a terminal a screen that is renewed every second until Ctrl-C; elsewhere a line a second. ``--once`` prints a table
of hit rates and counts and fails if an instance does not respond; ``--json`` prints the whole state. It asks the watch
process, at OPERATIONS, and nothing else.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import signal
import sys
import time

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from service.settings import SettingError, Settings
from service.watch import report
from service.watch.client import NoResponse, document
from service.watch.screen import screen

_STATE, _POINTS = "/dashboard.json", "/dashboard/points.json?window=5m"


def live(console: Console, operations: str) -> None:
    """Renew the screen every second, until KeyboardInterrupt."""
    with Live(console=console, screen=True, auto_refresh=False) as shown:
        while True:
            shown.update(_view(operations, console.height), refresh=True)
            _until_half_past()


def _view(operations: str, height: int) -> RenderableType:
    try:
        return screen(document(operations, _STATE), document(operations, _POINTS), height)
    except NoResponse as error:
        return Text(f"{error}; asked again every second", style="red")


def lines(operations: str) -> None:
    """Print a line every second, until KeyboardInterrupt."""
    while True:
        try:
            print(report.line(document(operations, _STATE)), flush=True)  # noqa: T201
        except NoResponse as error:
            _complain(f"{error}; asked again every second")
        _until_half_past()


def _until_half_past() -> None:
    """Sleep until the middle of a second, when the one before it has been collected."""
    time.sleep(1 - (time.time() + 0.5) % 1)


def once(operations: str) -> int:
    """Print the table; 1 if an instance does not respond. Raises NoResponse."""
    state = document(operations, _STATE)
    print(report.table(state))  # noqa: T201
    silent = report.silent(state)
    for instance in silent:
        _complain(f"no response from {instance}")
    return 1 if silent else 0


def _complain(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m service.watch.terminal", description=__doc__)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--once", action="store_true", help="print hit rates and counts once, as a table")
    form.add_argument("--json", action="store_true", help="print /dashboard.json once")
    return parser.parse_args()


def _run(options: argparse.Namespace, operations: str) -> int:
    if options.once:
        return once(operations)
    if options.json:
        print(json.dumps(document(operations, _STATE), indent=1))  # noqa: T201
    elif (console := Console()).is_terminal:
        live(console, operations)
    else:
        lines(operations)
    return 0


def main() -> int:
    """Show what was asked for; 1 if the watch process or an instance does not respond."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the screen is restored then too
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without bars and dashes
    try:
        return _run(_parsed(), Settings.from_env().operations)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush
        return 0
    except (NoResponse, SettingError) as error:
        _complain(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
