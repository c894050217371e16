"""Work that a second connection does beside the first one's, and that ends with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

_ASK_AGAIN_SECONDS = 0.1


class BackgroundTasks:
    """Tasks for a second connection, done one after the other in a thread."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread
        self._tasks: list[Future[None]] = []

    def add(self, task: Callable[[Connection], None]) -> Future[None]:
        """Have a task done when those before it are. Raises what one of them has raised by now."""
        self._tasks.append(self._thread.submit(task, self._connection))
        self.check()
        return self._tasks[-1]

    def check(self) -> None:
        """Raise what a task has raised by now."""
        for task in self._tasks:
            if task.done():
                task.result()

    def stop(self) -> None:
        """Cancel all tasks, and return when they have ended."""
        for task in self._tasks:
            task.cancel()
        # A request that comes between two statements of a task is lost.
        while wait(self._tasks, _ASK_AGAIN_SECONDS).not_done:
            with contextlib.suppress(psycopg2.Error):
                self._connection.cancel()


@contextlib.contextmanager
def background_tasks(connection: Connection) -> Iterator[BackgroundTasks]:
    """Give tasks to ``connection``; if the body fails, nothing of them goes on."""
    with ThreadPoolExecutor(1) as thread:
        tasks = BackgroundTasks(connection, thread)
        try:
            yield tasks
        except BaseException:
            tasks.stop()
            raise
