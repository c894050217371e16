"""A catalogue as a model remembers it, with an outbox of which a test chooses the rows that are read.

Each method mirrors what SQL does. ``change``, ``open``, ``commit`` and ``truncate``: migrations/0002_versions.sql and
0005 (a version is drawn under the product's lock, a row has the epoch of its writer's snapshot, an epoch is a time).
``adopt``: 0007_history.sql. ``run`` and ``read``: adopt, outbox_done and outbox_rows of service/catalogue/sql.
``document``: card.sql, whose one snapshot has version and epoch. ``load``: etl/sql/swap.sql. ``lose``: a standby
that is promoted, which has another timeline and hands out versions again; its clock has gone on.
"""

import itertools
from copy import deepcopy
from typing import NamedTuple

from service.cache.entry import Document
from service.catalogue.database import ADOPT, OUTBOX_DONE, OUTBOX_ROWS

PRODUCTS = (1, 2)


class Content(NamedTuple):
    """What a product is between two changes. No two are the same but those of absence, whose body is None."""

    body: bytes | None
    version: int


class Writer(NamedTuple):
    """An open transaction. Without a version it has a snapshot only, and changes its product before COMMIT."""

    product_id: int
    epoch: int
    version: int | None
    seen: int


class Committed:
    """What a standby has as of some commit, and the files of a backup too."""

    def __init__(self):
        self.epoch, self.version, self.row_id, self.history, self.written = 1, 0, 0, 0, 0
        self.contents = {product_id: [Content(None, 0)] for product_id in PRODUCTS}
        self.places_of_epoch = dict.fromkeys(PRODUCTS, 0)  # from where on what is read is of this epoch
        self.outbox = {}  # row id: (product, version, epoch, index of the content that it tells of)


class Model:
    """The catalogue of the present history as it was at each commit, and what was lost by those before."""

    def __init__(self):
        self.clock, self.bodies, self.histories = itertools.count(2), itertools.count(), itertools.count(1)
        self.primary, self.standby, self.history = Committed(), Committed(), 0
        self.replica = Committed()
        self.writers, self.chosen, self.lost = [], [], set()

    def __getattr__(self, name):
        return getattr(self.primary, name)

    def change(self, product_id, present):
        if not self.is_locked(product_id):
            self._tell(product_id, self._next_version(), self.epoch, present)

    def open(self, product_id, changes_now):
        """Begin a transaction with the change of a product, or with its snapshot."""
        if self.contents[product_id][-1].body is None or self.is_locked(product_id):
            return
        version, seen = self._next_version() if changes_now else None, self.contents[product_id][-1].version
        self.writers.append(Writer(product_id, self.epoch, version, seen))

    def commit(self, writer):
        """Its row has the epoch of its snapshot. A change that another was faster than cannot be serialized."""
        self.writers.remove(writer)
        if writer.version is None and (
            self.is_locked(writer.product_id) or self.contents[writer.product_id][-1].version != writer.seen
        ):
            return
        self._tell(writer.product_id, writer.version or self._next_version(), writer.epoch, present=True)

    def is_locked(self, product_id):
        return any(writer.product_id == product_id and writer.version for writer in self.writers)

    def load(self):
        """Every product is another, and the outbox is empty; who has an older snapshot finds none of them."""
        if any(writer.version for writer in self.writers):
            return  # it waits for its locks
        self._replace(self._next_version())
        self.primary.outbox.clear()

    def truncate(self):
        """Of a table that writers of products do not use: every document is another, at the same version."""
        self._replace(None)

    def standby_follows(self):
        self.standby = deepcopy(self.primary)

    def replica_follows(self):
        self.replica = deepcopy(self.primary)

    def replicated_document(self, product_id, position):
        """What the replica has of a product, None if it may not be read or has no such product: see replayed.sql."""
        is_behind = position is None or self.replica.epoch != position.epoch or self.replica.written < position.written
        body, version = self.replica.contents[product_id][-1]
        return None if is_behind or body is None else Document(body, "e" * 16, self.replica.epoch, version)

    def lose(self):
        """Fail over to the standby."""
        self.primary, self.history = deepcopy(self.standby), next(self.histories)
        self.writers.clear()

    def adopt(self, known_epoch, known_version):
        """The first statement of each connection, and of each look of the invalidator."""
        if not self.is_adopted() or self.epoch < known_epoch or self.version < known_version:
            self.primary.version = max(self._next_version(), known_version)
            self.primary.epoch, self.primary.history = max(self.epoch, known_epoch), self.history
            self._raise_epoch()
        return self.epoch

    def is_adopted(self):
        return self.primary.history == self.history

    async def pending(self):
        return (min(self.outbox), max(self.outbox)) if self.outbox else (0, 0)

    def read(self, row_id):
        """A row of the outbox as it is read now: see outbox_rows.sql for its epoch."""
        product_id, version, epoch, _ = self.outbox[row_id]
        return row_id, [product_id], [version], max(epoch, self.epoch), self.written

    async def run(self, *calls):
        """What a Postgres returns for the last call. The rows that it has in its outbox are those of ``chosen``."""
        rows = []
        for statement, values in calls:
            if statement is ADOPT:
                rows = [(self.adopt(*values), self.written)]
            elif statement is OUTBOX_DONE:
                self._forget(*values)
            else:
                assert statement is OUTBOX_ROWS
                rows, self.chosen = self.chosen, []
        return rows

    def document(self, product_id):
        """What a fill that reads now, on a connection that has adopted the database, will offer."""
        body, version = self.contents[product_id][-1]
        return Document(body, "" if body is None else "e" * 16, self.adopt(0, 0), version)

    def place(self, product_id, body, since):
        """The index of the content that has this body, not before ``since``; None if an older one has."""
        contents = self.contents[product_id]
        return next((index for index in range(since, len(contents)) if contents[index].body == body), None)

    def _next_version(self):
        self.primary.version += 1
        return self.version

    def _tell(self, product_id, version, epoch, present):
        self.primary.written += 1
        body = b"%d" % next(self.bodies) if present else None
        self.contents[product_id].append(Content(body, version if present else 0))
        self.primary.row_id += 1
        self.primary.outbox[self.row_id] = (product_id, version, epoch, len(self.contents[product_id]) - 1)

    def _replace(self, version):
        for contents in self.contents.values():
            body, own = contents[-1]
            contents.append(Content(None, 0) if body is None else Content(b"%d" % next(self.bodies), version or own))
        self._raise_epoch()

    def _raise_epoch(self):
        self.primary.written += 1
        self.primary.epoch = max(self.epoch + 1, next(self.clock))
        self.primary.places_of_epoch = {product_id: len(all_) - 1 for product_id, all_ in self.contents.items()}

    def _forget(self, row_ids):
        for row_id in row_ids:
            self.primary.outbox.pop(row_id, None)
