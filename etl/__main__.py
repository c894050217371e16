"""Command line of the catalogue files: ``python -m etl generate|load|check``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from etl import check, generate, load

_COMMANDS = {
    "generate": (generate, "write a catalogue in the old service's format"),
    "load": (load, "replace the live catalogue by such files"),
    "check": (check, "compare the live catalogue with such files"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 after an error, or 130 after Ctrl-C. Wrong usage ends the process with 2."""
    parser = argparse.ArgumentParser(prog="python -m etl")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (module, meaning) in _COMMANDS.items():
        command = commands.add_parser(name, help=meaning, description=meaning)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        sys.stderr.write("\netl: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
