"""A random sample of the files' products, drawn while reading, with their child rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from etl.documents import documents
from etl.fields import Row, Value
from etl.pieces import Piece


class Sample:
    """At most ``size`` products, each of the file with the same probability (reservoir sampling)."""

    def __init__(self, size: int, random: Random) -> None:
        self._size = size
        self._random = random
        self._seen = 0
        self._products: list[Row] = []
        self._ids: dict[str, set[Value]] = {}
        # By table, then by the id of the parent.
        self._children: dict[str, dict[Value, list[Row]]] = defaultdict(lambda: defaultdict(list))

    def __len__(self) -> int:
        return len(self._products)

    def draw(self, piece: Piece) -> None:
        """Draw from the products of a piece."""
        for offset in range(len(piece.records)):
            self._seen += 1
            if len(self._products) < self._size:
                self._products.append(piece.row(offset))
            elif (place := int(self._random.random() * self._seen)) < self._size:
                self._products[place] = piece.row(offset)

    def take(self, piece: Piece, parent: str, parent_table: str) -> None:
        """Take the rows of a piece whose ``parent`` is in the sample; the parents' table must be complete."""
        wanted = self._ids_of(parent_table)
        if wanted.isdisjoint(piece.numbers[parent]):
            return
        file = piece.source.file
        for offset, one in enumerate(piece.numbers[parent]):
            if one in wanted and (row := piece.row(offset)).get(file.never_zero or "") != 0:
                self._children[file.table][one].append(row)

    def documents(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Yield the id of each product and its documents by kind."""
        for product in self._products:
            yield int(product["id"] or 0), documents(product, self._below)

    def _ids_of(self, table: str) -> set[Value]:
        if table not in self._ids:
            groups = [self._products] if table == "products" else self._children[table].values()
            self._ids[table] = {row["id"] for rows in groups for row in rows}
        return self._ids[table]

    def _below(self, table: str, parent: Value) -> Sequence[Row]:
        return sorted(self._children[table].get(parent, []), key=lambda row: row["id"] or 0)
