"""The files of the old service: the table of each, and the column of each name in its header."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from etl.chunks import chunks
from etl.errors import LoadError


@dataclass(frozen=True)
class File:
    """The format of a file.

    ``columns`` maps the header's names to columns of ``table``. Values of ``labelled`` may start with that name and a
    colon. Rows with 0 in ``never_zero`` are refused. Where the header may be missing, ``columns`` is in file order.
    Where quotes may be ``unclosed``, a row is one line; elsewhere a quoted value may contain line breaks.
    """

    name: str
    table: str
    columns: Mapping[str, str]
    header_optional: bool = False
    labelled: str | None = None
    never_zero: str | None = None
    unclosed: bool = False


@dataclass(frozen=True)
class Source:
    """A file that exists: its format, and the columns of its lines in order."""

    file: File
    path: Path
    columns: tuple[str, ...]
    has_header: bool


def _named(names: str, **columns: str) -> dict[str, str]:
    return {name: columns.get(name, name) for name in names.split(",")}


#: In the order of loading: parents before children; the longest to copy is last, while the others are indexed.
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
    File("photos.csv", "photos", _named("id,styleId,url,thumbnail_url", styleId="style_id"), unclosed=True),
)

#: It names products, while a cart holds skus, so it cannot be converted: its rows are counted, not loaded.
CARTS = File("cart.csv", "carts", _named("id,user_session,product_id,active"))


def sources(directory: Path) -> list[Source]:
    """Find the files and read their headers. Raises LoadError for a missing file or an invalid header."""
    paths = [(file, _path(directory, file.name)) for file in FILES]
    if missing := [file.name for file, path in paths if not path]:
        raise LoadError(f"{', '.join(missing)} not found in {directory}")
    return [_source(file, path) for file, path in paths if path]


def carts(directory: Path) -> Source | None:
    """Find the file of carts, which may be missing. Its header is not checked, since its columns are not used."""
    path = _path(directory, CARTS.name)
    return Source(CARTS, path, tuple(CARTS.columns.values()), has_header=True) if path else None


def _path(directory: Path, name: str) -> Path | None:
    there = [path for path in (directory / name, directory / f"{name}.gz") if path.exists()]
    if len(there) > 1:
        raise LoadError(f"{name} and {name}.gz are both in {directory}: only one of them can be meant")
    return there[0] if there else None


def _source(file: File, path: Path) -> Source:
    text = next(chunks(path, lambda _done, _total: None), b"")
    if not text:
        raise LoadError(f"{path.name} is empty: not even a header")
    first = text.partition(b"\n")[0]
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
