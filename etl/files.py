"""The files of the old service: which table each one fills, and which column each name in its header means."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: No line of a real file comes near it. It bounds what a file without line ends makes us hold in memory.
LONGEST_LINE_BYTES = 1 << 20


class LoadError(Exception):
    """The files cannot be used, the live catalogue is as it was; the message names the file, and the line if it can."""


@dataclass(frozen=True)
class File:
    """What a file must look like.

    ``columns`` maps the header's names to columns of ``table``. Values of ``labelled`` may start with that name and a
    colon. Rows with 0 in ``never_zero`` are refused. Where the header may be missing, ``columns`` is in file order.
    """

    name: str
    table: str
    columns: Mapping[str, str]
    header_optional: bool = False
    labelled: str | None = None
    never_zero: str | None = None


@dataclass(frozen=True)
class Source:
    """A file that is there: what it is, and the columns of its lines in their order."""

    file: File
    path: Path
    columns: tuple[str, ...]
    has_header: bool


def _named(names: str, **columns: str) -> dict[str, str]:
    return {name: columns.get(name, name) for name in names.split(",")}


#: In the order of loading: parents before children, and last the longest to copy, during which the others get indexes.
FILES = (
    File(
        "product.csv", "products", _named("id,name,slogan,description,category,default_price"), labelled="default_price"
    ),
    File("features.csv", "features", _named("id,product_id,feature,value"), header_optional=True),
    File(
        "styles.csv",
        "styles",
        _named("id,productId,name,sale_price,original_price,default_style", productId="product_id"),
    ),
    File("skus.csv", "skus", _named("id,styleId,size,quantity", styleId="style_id")),
    File(
        "related.csv",
        "related_products",
        _named("id,current_product_id,related_product_id", current_product_id="product_id"),
        never_zero="related_product_id",
    ),
    File("photos.csv", "photos", _named("id,styleId,url,thumbnail_url", styleId="style_id")),
)

#: It names products where a cart holds skus, so that it cannot become carts: its rows are counted, not loaded.
CARTS = "cart.csv"


def sources(directory: Path) -> list[Source]:
    """Find the files and read their headers. Raises LoadError for a missing file and for a header that does not fit."""
    missing = [file.name for file in FILES if not (directory / file.name).exists()]
    if missing:
        raise LoadError(f"{', '.join(missing)} not found in {directory}")
    return [_source(file, directory / file.name) for file in FILES]


def _source(file: File, path: Path) -> Source:
    try:
        with path.open("rb") as lines:
            first = lines.readline(LONGEST_LINE_BYTES)
    except OSError as error:
        raise LoadError(f"{file.name} cannot be read: {error.strerror}") from None
    if not first:
        raise LoadError(f"{file.name} is empty: not even a header")
    if file.header_optional and first[:1].isdigit():
        return Source(file, path, tuple(file.columns.values()), has_header=False)
    return Source(file, path, columns_of(file, first), has_header=True)


def columns_of(file: File, header: bytes) -> tuple[str, ...]:
    """Translate a header line into columns of the file's table. Raises LoadError unless each is named exactly once."""
    try:
        names = [name.strip() for name in next(csv.reader([header.decode().strip()], strict=True), [])]
    except (UnicodeDecodeError, csv.Error):
        raise LoadError(f"{file.name}, line 1: this is not a header") from None
    for problem, wrong in (
        ("unknown", sorted(set(names) - set(file.columns))),
        ("missing", sorted(set(file.columns) - set(names))),
        ("repeated", sorted({name for name in names if names.count(name) > 1})),
    ):
        if wrong:
            raise LoadError(f"{file.name}, line 1: {problem} in the header: {', '.join(map(repr, wrong))[:200]}")
    return tuple(file.columns[name] for name in names)
