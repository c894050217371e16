"""Running in the foreground until a signal."""

import contextlib
import signal
from collections.abc import Callable

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal to stop this process; not an Exception, so that no handler takes it for a failure."""


def run_until_stopped(serve: Callable[[], None]) -> None:
    """Call ``serve``; the first signal raises Stopped in it, and further ones are ignored."""
    for each in _SIGNALS:
        signal.signal(each, _raise_stopped)
    with contextlib.suppress(Stopped):
        serve()


def _raise_stopped(number: int, _frame: object) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # stopping has deadlines of its own
    raise Stopped(signal.Signals(number).name)
