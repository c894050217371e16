"""Waiting for a condition, with a deadline, and doing a thing again and again until a block ends."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TIMEOUT_SECONDS = 20.0
_LOOK_EVERY_SECONDS = 0.005
_AGAIN_EVERY_SECONDS = 0.05


def wait_until(condition: Callable[[], bool]) -> None:
    """Raises AssertionError if it does not come true within 20 s."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(_LOOK_EVERY_SECONDS)


@contextmanager
def again_and_again(action: Callable[[], object]) -> Iterator[None]:
    """Do it 20 times a second, in a thread, until the block ends."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(_AGAIN_EVERY_SECONDS):
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
