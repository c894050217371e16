"""What this Python is told to fill a database with a catalogue."""

from pathlib import Path

from deploy.local.places import RunDirectory
from etl.generate import complete

SAMPLE_PRODUCTS = 1000


def seed_commands(run: RunDirectory, catalogue: Path | None = None) -> list[list[str | Path]]:
    """Return the arguments of Python that load ``catalogue``, or else make the sample and load that."""
    make = ["-m", "etl", "generate", run.sample, "--products", str(SAMPLE_PRODUCTS)]
    return [_load(run, catalogue)] if catalogue else [make, _load(run, run.sample)]


def full_seed_commands(run: RunDirectory) -> list[list[str | Path]]:
    """Return the arguments of Python that make the full catalogue, unless the last time left it, and load it."""
    make = ["-m", "etl", "generate", run.full]
    return [_load(run, run.full)] if complete(run.full) else [make, _load(run, run.full)]


def _load(run: RunDirectory, catalogue: Path) -> list[str | Path]:
    return ["-m", "etl", "load", catalogue, "--report", run.report]
