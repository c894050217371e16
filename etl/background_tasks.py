"""Work on a second connection, concurrent with the first one's and ended with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class

_ASK_AGAIN_SECONDS = 0.1


class BackgroundTasks:
    """Tasks for a second connection, run one after the other in a thread."""

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._thread = thread
        self._tasks: list[Future[None]] = []

    def add(self, task: Callable[[Connection], None]) -> Future[None]:
        """Queue a task. Raises what an earlier one has raised by now."""
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
        # A cancel request between two statements of a task has no effect, so it is repeated.
        while wait(self._tasks, _ASK_AGAIN_SECONDS).not_done:
            with contextlib.suppress(psycopg2.Error):
                self._connection.cancel()


@contextlib.contextmanager
def background_tasks(connection: Connection) -> Iterator[BackgroundTasks]:
    """Run tasks on ``connection``; if the body fails, they are cancelled."""
    with ThreadPoolExecutor(1) as thread:
        tasks = BackgroundTasks(connection, thread)
        try:
            yield tasks
        except BaseException:
            tasks.stop()
            raise
