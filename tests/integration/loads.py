"""Loads as tests run them, interfere with them, and look at what they left."""

import io

from etl.console import Console
from etl.load import load
from tests.integration.databases import TABLES, catalogue


def run(url, directory, console=None):
    return load(url, directory, console or Console(io.StringIO()))


class At(Console):
    """Does something when a step has been told of."""

    def __init__(self, step, action):
        super().__init__(io.StringIO())
        self.step, self.action = step, action

    def tell(self, done):
        if done.startswith(self.step):
            self.action()


class While(Console):
    """Does something while a file is copied."""

    def __init__(self, name, action):
        super().__init__(io.StringIO())
        self.name, self.action = name, action

    def watch(self, name):
        return (lambda _done, _total: self.action()) if name == self.name else super().watch(name)


def stored(url):
    rows = catalogue(url)
    return {table: [row[:6] if table == "products" else row for row in rows[table]] for table in TABLES}
