"""Where a process runs and at which address others reach it."""

from collections.abc import Iterator
from contextlib import contextmanager


class Host:
    """This machine, at its loopback address. ``outside`` is the address at which this machine is reached from there."""

    ip = outside = "127.0.0.1"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Start in this block what is to run there."""
        yield


LOCAL = Host()
