"""Generates a catalogue in the old service's CSV format, with text of our own: ``python -m etl generate DIR``.

The same seed and number of products give the same bytes on every machine. The first products are the hand-written ones
of ``etl.showcase``; ``etl.assortment`` draws the others, in proportion to the old service's full catalogue.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

from etl import progress as progress_bar
from etl.assortment import Assortment
from etl.rows import HEADERS, Product, Sheets
from etl.showcase import PRODUCTS

FULL = {
    "product.csv": 1_000_011,
    "features.csv": 2_219_279,
    "styles.csv": 1_958_102,
    "photos.csv": 5_655_656,
    "skus.csv": 11_323_917,
    "related.csv": 4_508_263,
    "cart.csv": 300,
}
FULL_RELATED_TO_NONE = 58
#: The hand-written products would distort a smaller catalogue, and its photos would end before the ten broken lines.
FEWEST_PRODUCTS = 100
MOST_PRODUCTS = 100_000_000
FLUSH_EVERY = 1000


class GenerateError(ValueError):
    """A catalogue of this size, or in this directory, cannot be written."""


def row_counts(products: int) -> dict[str, int]:
    """Rows of each file, by name, in a catalogue of so many products."""
    return {name: _in_proportion(full, products, at_least=2) for name, full in FULL.items()}


def generate(
    directory: Path,
    products: int = FULL["product.csv"],
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Write the seven files into ``directory`` and return the rows of each by name.

    The directory is created if needed and may hold only such files, which are replaced at the very end, so that an
    interrupted run leaves either the old files or an incomplete set. ``progress`` is called with the products done and
    the total. Raises GenerateError for a size out of range or a directory that holds something else, and OSError where
    the files cannot be written.
    """
    if not FEWEST_PRODUCTS <= products <= MOST_PRODUCTS:
        raise GenerateError(f"products must be {FEWEST_PRODUCTS} to {MOST_PRODUCTS}, not {products}")
    _make_room(directory)
    try:
        counts = _write(directory, products, Random(f"seed {seed}"), progress)  # noqa: S311 - no secret
        _publish(directory)
    finally:
        for name in HEADERS:
            _part(directory, name).unlink(missing_ok=True)
    return counts


def complete(directory: Path) -> bool:
    """Whether this directory holds all files of a finished run."""
    return all((directory / name).exists() for name in HEADERS)


def _write(directory: Path, products: int, rng: Random, progress: Callable[[int, int], None] | None) -> dict[str, int]:
    with ExitStack() as stack:
        streams = {
            name: stack.enter_context(_part(directory, name).open("w", encoding="utf-8", newline=""))
            for name in HEADERS
        }
        sheets = Sheets(streams)
        for done, product in enumerate(_catalogue(products, rng), start=1):
            sheets.add(product)
            if done % FLUSH_EVERY == 0 or done == products:
                sheets.flush()
                if progress:
                    progress(done, products)
        for _ in range(row_counts(products)["cart.csv"]):
            sheets.add_cart(rng.randrange(1, 10_000), rng.randrange(1, products + 1), rng.random() < 0.5)
        sheets.flush()
    return sheets.counts()


def _catalogue(products: int, rng: Random) -> Iterator[Product]:
    yield from PRODUCTS
    totals = row_counts(products)
    for product in PRODUCTS:
        for name, rows in _rows_of(product).items():
            totals[name] -= rows
    related_to_none = _in_proportion(FULL_RELATED_TO_NONE, products, at_least=2)
    yield from Assortment(rng).products(totals, products, related_to_none)


def _rows_of(product: Product) -> dict[str, int]:
    return {
        "product.csv": 1,
        "features.csv": len(product.features),
        "styles.csv": len(product.styles),
        "photos.csv": sum(len(style.photos) for style in product.styles),
        "skus.csv": sum(len(style.skus) for style in product.styles),
        "related.csv": len(product.related),
    }


def _in_proportion(full: int, products: int, at_least: int) -> int:
    of = FULL["product.csv"]
    return max(at_least, (2 * full * products + of) // (2 * of))


def _make_room(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    ours = {path for name in HEADERS for path in (directory / name, _part(directory, name))}
    others = sorted(p.name for p in directory.iterdir() if p not in ours or p.is_symlink() or not p.is_file())
    if others:
        raise GenerateError(f"{directory} holds other things, such as {others[0]!r}: name an empty or a new directory")


def _publish(directory: Path) -> None:
    # All old files are removed before the first new one is added: old and new ones do not form a full set together.
    for name in HEADERS:
        (directory / name).unlink(missing_ok=True)
    for name in HEADERS:
        _part(directory, name).rename(directory / name)


def _part(directory: Path, name: str) -> Path:
    return directory / f"{name}.part"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``run`` reads."""
    parser.add_argument("directory", type=Path, help="where the seven files go: new, empty, or an older catalogue")
    full = FULL["product.csv"]
    parser.add_argument("--products", type=int, default=full, help=f"the old service's {full:,} by default")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another catalogue")


def run(arguments: argparse.Namespace) -> int:
    """Generate, print the rows of each file, and return the exit status."""
    progress = progress_bar.bar(sys.stderr, "products") if sys.stderr.isatty() else None
    try:
        counts = generate(arguments.directory, arguments.products, arguments.seed, progress)
    except GenerateError as error:
        sys.stderr.write(f"etl generate: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"etl generate: cannot write {error.filename or arguments.directory}: {error.strerror}\n")
        return 1
    for name, rows in counts.items():
        sys.stdout.write(f"{arguments.directory / name}: {rows:,} rows\n")
    return 0
