"""The whole service with its watch process, and a Chromium to look at the page."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from deploy.local.instances import Watch
from tests.e2e.service_under_test import Service, running


@dataclass
class Stack:
    """The service and its watch process."""

    service: Service
    watch: Watch

    @property
    def dashboard(self) -> str:
        """URL of the page."""
        return f"http://{self.watch.address}/dashboard"


@contextmanager
def watched(root: Path, free_port: Callable[[str], int], *, micro_cache: bool = False) -> Iterator[Stack]:
    """Start everything in ``root``; stop everything."""
    settings = {
        "OPERATIONS": f"127.0.0.1:{free_port('browser watch')}",
        "DEMO": "on",
        "NGINX_ACCESS_LOG": str(root / "nginx" / "prefix" / "access.log"),
    }
    with running(root, free_port, micro_cache=micro_cache, settings=settings) as service:
        watch = Watch(root / "watch.log", service.settings)
        watch.start()
        try:
            yield Stack(service, watch)
        finally:
            watch.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    """The Chromium that CHROMIUM names or that is on the PATH."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        raise FileNotFoundError("no Chromium: set CHROMIUM to one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
