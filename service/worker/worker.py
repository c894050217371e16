"""gunicorn's interface: its documented worker base class around the event loop."""

from __future__ import annotations

import gc
import os
import time
from typing import Any

from gunicorn.workers.base import Worker

from service.worker.event_loop import EventLoop
from service.worker.fast_path import FastPath
from service.worker.slow_path import SlowPath

_TICK_SECONDS = 1.0


class EventLoopWorker(Worker):  # type: ignore[misc]
    """Runs the event loop: ``extensions["fast_path"]`` of the Flask application first, then the application itself."""

    alive: bool
    _slow_path: SlowPath | None = None

    def run(self) -> None:
        """Work until told to stop, then answer requests already received, within ``graceful_timeout``."""
        fast_path: FastPath = self.wsgi.extensions["fast_path"]
        self._slow_path = slow_path = SlowPath(self.wsgi, self.cfg)
        loop = EventLoop(self.sockets, self.PIPE, fast_path, slow_path, self.cfg.worker_connections, self.cfg.keepalive)
        gc.collect()
        gc.freeze()  # modules stay loaded: later collections skip them
        while self.alive and self._has_its_parent():
            self._tick(loop)
            if loop.requests >= self.max_requests:
                self.log.info("Restarting after %d requests.", loop.requests)
                self.alive = False
        loop.stop()
        until = time.monotonic() + self.cfg.graceful_timeout
        while loop.connections and time.monotonic() < until:
            self._tick(loop)
        loop.close()
        slow_path.close()

    def handle_quit(self, sig: int, frame: Any) -> None:
        """End at once, whatever the threads are doing."""
        if self._slow_path is not None:
            self._slow_path.close()
        super().handle_quit(sig, frame)

    def _tick(self, loop: EventLoop) -> None:
        if loop.is_time_for_heartbeat():
            self.notify()
        loop.tick(_TICK_SECONDS)

    def _has_its_parent(self) -> bool:
        if self.ppid != os.getppid():
            self.log.info("Parent changed, shutting down: %s", self)
            return False
        return True
