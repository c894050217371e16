"""What the database should hold by the files: how many rows a load stores and refuses, and a sample of documents.

The files are read once, parents first. Memory holds the sample, and one bit for each product and each style.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from random import Random

from etl.console import Console
from etl.files import File, Source
from etl.ids import Ids
from etl.lines import Lines
from etl.pieces import Piece, pieces
from etl.report import FileReport
from etl.sample import Sample

SAMPLE_PRODUCTS = 1000
#: The table of a row's parent, by the column that names it.
PARENTS = {"product_id": "products", "style_id": "styles"}


def parent_column(file: File) -> str | None:
    """Return the column that names a row's parent; products have none."""
    return next((column for column in file.columns.values() if column in PARENTS), None)


class Expected:
    """Reads the files: ``reports`` counts the rows of each by result, ``sample`` holds some products.

    Raises LoadError, naming the line, where a row does not fit the header.
    """

    def __init__(self, found: Sequence[Source], console: Console, random: Random) -> None:
        self.sample = Sample(SAMPLE_PRODUCTS, random)
        self._stored = {table: Ids() for table in PARENTS.values()}
        self.reports = [self._read(source, console) for source in found]

    def _read(self, source: Source, console: Console) -> FileReport:
        file, parent = source.file, parent_column(source.file)
        report = FileReport(file.name)
        lines = Lines(source, console.watch(file.name))
        identity = "id" if file.table in self._stored else None
        for piece in pieces(source, [*filter(None, (identity, parent, file.never_zero))], lines):
            self._count(piece, parent, report)
            if parent:
                self.sample.take(piece, parent, PARENTS[parent])
            else:
                self.sample.draw(piece)
        report.read = lines.read_rows
        console.tell(f"{file.name}: {report.read:,} rows")
        return report

    def _count(self, piece: Piece, parent: str | None, report: FileReport) -> None:
        file, numbers = piece.source.file, piece.numbers
        report.stored += len(piece.records)
        parents: Iterable[int] = numbers[parent] if parent else []
        if file.never_zero and (zeros := numbers[file.never_zero].count(0)):
            report.refuse(f"{file.never_zero} is 0", zeros)
            parents = [one for one, other in zip(parents, numbers[file.never_zero], strict=True) if other]
        orphans: set[int] = set()
        if parent and (orphans := self._stored[PARENTS[parent]].missing(set(parents))):
            report.refuse(f"{parent} is not in {PARENTS[parent]}", sum(one in orphans for one in parents))
        if file.table in self._stored:
            kept = (one for one, above in zip_longest(numbers["id"], parents) if above not in orphans)
            self._stored[file.table].update(kept)
