"""A catalogue as a model remembers it, with an outbox that is delivered as a test likes."""

import itertools

from service.cache.entry import Document
from service.catalogue.database import ADOPT, OUTBOX_ROWS

PRODUCTS = (1, 2)


class Model:
    """The catalogue as it was: each product's states, (epoch, version) or None for absent, and the outbox's rows."""

    def __init__(self):
        self.epoch, self.versions = 1, itertools.count(1)
        self.states = {product_id: [None] for product_id in PRODUCTS}
        self.rows = []  # (row, index of the state that it tells of)
        self.loads = []  # (epoch, index of the state of each product)

    def change(self, product_id, present):
        version = next(self.versions)
        self.states[product_id].append((self.epoch, version) if present else None)
        row = (len(self.rows), [product_id], [version], self.epoch)
        self.rows.append((row, len(self.states[product_id]) - 1))

    def load(self):
        self.epoch, version = self.epoch + 1, next(self.versions)
        for states in self.states.values():
            states.append(None if states[-1] is None else (self.epoch, version))
        self.loads.append((self.epoch, {product_id: len(states) - 1 for product_id, states in self.states.items()}))

    def document(self, product_id):
        """What a fill that reads now will offer."""
        if (order := self.states[product_id][-1]) is None:
            return Document(None, "", self.epoch, 0)
        return Document(b"%d.%d" % order, "e" * 16, *order)

    def place(self, product_id, served, since):
        """The index of the state that a document shows, not before ``since``; None if it shows an older one."""
        shown = None if served.body is None else (served.epoch, served.version)
        states = self.states[product_id]
        return next((index for index in range(since, len(states)) if states[index] == shown), None)


class OutboxRows:
    """A Postgres that has these rows in its outbox."""

    def __init__(self, epoch, rows):
        self.epoch, self.rows = epoch, rows

    def run(self, *calls):
        if calls[-1].statement is ADOPT:
            return [(self.epoch,)]
        assert calls[-1].statement is OUTBOX_ROWS
        rows, self.rows = self.rows, []
        return rows
